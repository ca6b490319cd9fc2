"""What a watch makes of streams, byte by byte as a cluster may send them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from kube import collection, watch
from kube.clients import Cluster
from kube.resources import SECRET
from kube.watch import LOST, follow
from tests.kube.serving import Answer, Script, bookmark, event, fault, listed, refusal, served, stream, thing

A5, B6 = event("ADDED", thing("a", "5")), event("ADDED", thing("b", "6"))
START = [A5, B6, bookmark("10", initial=True)]
TOLD = ["ADDED a", "ADDED b", "SYNCED"]


class Followed:
    """What is told of the server's secrets; pauses pass at once and are noted."""

    def __init__(self, cluster: Cluster) -> None:
        self.pauses: list[float] = []
        self.changes = follow(cluster, SECRET, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def take(self, number: int) -> list[str]:
        """The next changes: type, and name or code of the error."""
        found = []
        for _ in range(number):
            change = await anext(self.changes)
            name = change.error.code if change.error else change.object.get("metadata", {}).get("name", "")
            found.append(f"{change.type} {name}".strip())
        return found


@asynccontextmanager
async def following(script: Script) -> AsyncIterator[Followed]:
    async with served(script.answer) as cluster:
        followed = Followed(cluster)
        async with aclosing(followed.changes):
            yield followed


def asked(script: Script) -> list[dict[str, str]]:
    """What was asked for, without what is the same in every watch."""
    always = {"watch": "true", "allowWatchBookmarks": "true"}
    found = []
    for query in script.asked:
        if "watch" in query:
            assert 300 <= int(query.pop("timeoutSeconds")) <= 600
            assert {name: query.pop(name) for name in always} == always
        found.append(query)
    return found


INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


async def test_one_connection_tells_what_exists_and_then_what_happens() -> None:
    script = Script(stream(*START, event("MODIFIED", thing("a", "11")), event("DELETED", thing("b", "12"))))
    async with following(script) as followed:
        assert await followed.take(5) == [*TOLD, "MODIFIED a", "DELETED b"]
    assert (asked(script), followed.pauses) == ([INITIAL], [])


async def test_events_may_be_cut_anywhere() -> None:
    whole = b"".join(START)
    script = Script(Answer([whole[at : at + 7] for at in range(0, len(whole), 7)]))
    async with following(script) as followed:
        assert await followed.take(3) == TOLD


@pytest.mark.parametrize(
    "first",
    [refusal(400), refusal(403), refusal(422), stream(A5, bookmark("6"))],
    ids=["400", "403", "422", "follows at once"],
)
async def test_a_cluster_that_cannot_do_it_is_listed_and_not_asked_again(first: Answer) -> None:
    script = Script(first, listed("10", thing("a", "5"), thing("b", "6")), stream(), listed("10"), stream())
    async with served(script.answer) as cluster:
        followed, again = Followed(cluster), Followed(cluster)
        told = await followed.take(3)
        assert sorted(told) == sorted(TOLD)
        assert await again.take(1) == ["SYNCED"]
        await followed.changes.aclose()
        await again.changes.aclose()
    assert asked(script)[:2] == [INITIAL, {"limit": "100"}]
    assert {"limit": "100"} in asked(script)[2:]
    assert INITIAL not in asked(script)[2:]


async def test_what_exists_may_fail_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "FIRST_WORD", 0.05)
    script = Script(stream(A5), listed("10", thing("a", "5")), stream(bookmark("11")))
    async with following(script) as followed:
        assert await followed.take(2) == ["ADDED a", "SYNCED"]


async def test_what_exists_is_read_anew_when_the_stream_breaks_in_the_middle() -> None:
    script = Script(stream(A5, end="abort"), stream(*START))
    async with following(script) as followed:
        assert await followed.take(4) == ["ADDED a", "TROUBLE CLUSTER_UNAVAILABLE", "ADDED b", "SYNCED"]
    assert asked(script) == [INITIAL, INITIAL]


async def test_a_list_that_expires_is_begun_anew_and_then_with_large_pages() -> None:
    gone = refusal(410)
    pages = [answer for _ in range(3) for answer in (listed("9", thing("a", "5"), token="more"), gone)]
    script = Script(refusal(422), *pages, listed("10", thing("b", "6")), stream())
    async with following(script) as followed:
        assert await followed.take(4) == ["ADDED a", "ADDED b", "DELETED a", "SYNCED"]
    small, large, more = {"limit": "100"}, {"limit": "1000"}, {"limit": "100", "continue": "more"}
    assert asked(script) == [INITIAL, small, more, small, more, small, more, large]


@pytest.mark.parametrize("gone", [refusal(410), stream(fault(410))], ids=["status", "in the stream"])
async def test_a_version_too_old_reads_all_anew_and_not_too_often(gone: Answer) -> None:
    again = [event("ADDED", thing("b", "6")), event("ADDED", thing("c", "15")), bookmark("20", initial=True)]
    script = Script(stream(*START, end="clean"), gone, stream(*again))
    async with following(script) as followed:
        assert await followed.take(7) == [*TOLD, "SYNCING", "ADDED c", "DELETED a", "SYNCED"]
    assert asked(script) == [INITIAL, {"resourceVersion": "10"}, INITIAL]
    assert followed.pauses[0] == watch.SHORT_PAUSE
    assert 4.0 < followed.pauses[1] <= 5.0


async def test_an_object_made_anew_is_a_deletion_and_an_addition() -> None:
    script = Script(stream(*START, fault(410)), stream(event("ADDED", thing("a", "12", "other")), START[2]))
    async with following(script) as followed:
        assert await followed.take(7) == [*TOLD, "SYNCING", "DELETED a", "ADDED a", "DELETED b"]


async def test_another_fault_in_the_stream_is_waited_out_and_the_version_kept() -> None:
    script = Script(stream(*START, fault(500)), stream(event("ADDED", thing("c", "11"))))
    async with following(script) as followed:
        assert await followed.take(6) == [*TOLD, "TROUBLE CLUSTER_FAULT", "SYNCED", "ADDED c"]
    assert asked(script) == [INITIAL, {"resourceVersion": "10"}]


async def test_bookmarks_are_what_is_gone_on_from() -> None:
    script = Script(stream(*START, bookmark("400"), end="clean"), stream(event("ADDED", thing("c", "401"))))
    async with following(script) as followed:
        assert await followed.take(4) == [*TOLD, "ADDED c"]
    assert asked(script) == [INITIAL, {"resourceVersion": "400"}]


async def test_versions_that_go_back_are_of_another_time() -> None:
    script = Script(stream(*START, bookmark("9")), stream(bookmark("9", initial=True)))
    async with following(script) as followed:
        assert await followed.take(7) == [*TOLD, "SYNCING", "DELETED a", "DELETED b", "SYNCED"]


async def test_a_version_of_the_future_is_silent_and_all_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "SILENCE", 0.05)
    script = Script(stream(*START, end="clean"), stream(), stream(*START))
    async with following(script) as followed:
        assert await followed.take(5) == [*TOLD, "SYNCING", "SYNCED"]
    assert asked(script) == [INITIAL, {"resourceVersion": "10"}, INITIAL]


async def test_a_stream_that_falls_silent_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "SILENCE", 0.05)
    script = Script(stream(*START), stream(event("ADDED", thing("c", "11"))))
    async with following(script) as followed:
        assert await followed.take(4) == [*TOLD, "ADDED c"]
    assert asked(script)[:2] == [INITIAL, {"resourceVersion": "10"}]


async def test_pauses_grow_and_begin_anew_after_a_good_time(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(*[refusal(500) for _ in range(8)], stream(*START))
    async with following(script) as followed:
        assert (await followed.take(11))[-3:] == TOLD
    bounds = [min(30.0, 0.8 * 2**n) for n in range(8)]
    assert [low <= pause <= 2 * low for low, pause in zip(bounds, followed.pauses, strict=True)] == [True] * 8
    monkeypatch.setattr(watch, "HEALTHY", 0.0)
    script = Script(*[refusal(500) for _ in range(5)], stream(*START))
    async with following(script) as followed:
        await followed.take(8)
    assert max(followed.pauses) <= 1.6


async def test_new_credentials_are_tried_once_before_it_is_told() -> None:
    then = [refusal(401), stream(event("ADDED", thing("c", "11")))]
    script = Script(refusal(401), refusal(401), stream(*START, end="clean"), *then)
    async with following(script) as followed:
        assert await followed.take(5) == ["TROUBLE CLUSTER_UNAUTHORIZED", *TOLD, "ADDED c"]
    assert followed.pauses == [1.0, watch.DENIED, watch.SHORT_PAUSE, 1.0]


@pytest.mark.parametrize("code", [429, 503])
async def test_a_cluster_is_left_alone_for_as_long_as_it_wishes(code: int) -> None:
    script = Script(refusal(code, Retry_After="50"), stream(*START))
    async with following(script) as followed:
        assert (await followed.take(4))[1:] == TOLD
    assert followed.pauses == [50.0]


async def test_a_change_that_a_watch_kept_back_is_found_told_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CHECK_EVERY", 0.0)
    kept_back = LOST.labels("Secret")
    before = kept_back._value.get()
    then = [listed("10", thing("a", "5"), thing("c", "9")), stream(event("ADDED", thing("d", "11")))]
    script = Script(stream(*START, end="clean"), *then)
    async with following(script) as followed:
        assert await followed.take(6) == [*TOLD, "ADDED c", "DELETED b", "ADDED d"]
    exactly = {"limit": "100", "resourceVersion": "10", "resourceVersionMatch": "Exact"}
    assert asked(script) == [INITIAL, exactly, {"resourceVersion": "10"}]
    assert kept_back._value.get() - before == 2


async def test_a_version_that_is_not_kept_is_compared_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CHECK_EVERY", 0.0)
    script = Script(stream(*START, end="clean"), refusal(410), stream(event("ADDED", thing("d", "11"))))
    async with following(script) as followed:
        assert await followed.take(4) == [*TOLD, "ADDED d"]


@pytest.mark.parametrize(
    "line",
    [b"<html>\n", b'{"type":"ADDED"}\n', event("ADDED", {"metadata": {}}), event("ADDED", {"metadata": {"name": "a"}})],
)
async def test_what_is_no_object_is_refused(line: bytes) -> None:
    script = Script(stream(line), stream(*START))
    async with following(script) as followed:
        assert await followed.take(4) == ["TROUBLE CLUSTER_NOT_KUBERNETES", *TOLD]


async def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "LONGEST_EVENT", 1_000)
    large: dict[str, Any] = thing("a", "5") | {"data": "x" * 5_000}
    script = Script(stream(event("ADDED", large)[:-1]), stream(*START))
    async with following(script) as followed:
        assert await followed.take(4) == ["TROUBLE CLUSTER_NOT_KUBERNETES", *TOLD]
