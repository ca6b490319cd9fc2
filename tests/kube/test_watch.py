"""A followed collection misses nothing: through clean ends, broken streams, versions too old, silence and refusals."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from kube import watch
from kube.clients import Cluster
from kube.errors import Forbidden, Throttled
from kube.resources import SECRET
from kube.watch import Change, follow
from simulator.simulator import Simulator


class Pauses:
    """Stands where sleep would: notes what it was asked for and passes at once."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.then: Callable[[], None] = lambda: None

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.then()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@asynccontextmanager
async def followed(cluster: Cluster, pauses: Pauses, **options: Any) -> AsyncIterator[AsyncGenerator[Change, None]]:
    async with aclosing(follow(cluster, SECRET, namespace="default", sleep=pauses, **options)) as changes:
        yield changes


async def put(cluster: Cluster, name: str, value: str = "1", **labels: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "stringData": {"value": value},
    }
    await cluster.request(
        "PATCH",
        SECRET.path("default", name),
        query={"fieldManager": "test"},
        body=body,
        content_type="application/apply-patch+yaml",
    )


async def remove(cluster: Cluster, name: str) -> None:
    await cluster.request("DELETE", SECRET.path("default", name))


async def take(changes: AsyncGenerator[Change, None], number: int) -> list[tuple[str, str]]:
    """The next changes: type, and name or code of the error."""
    found: list[tuple[str, str]] = []
    for _ in range(number):
        change = await anext(changes)
        found.append(
            (change.type, change.error.code if change.error else change.object.get("metadata", {}).get("name", ""))
        )
    return found


async def test_a_stream_that_ends_cleanly_is_resumed_without_a_list(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    await put(cluster, "a")
    async with followed(cluster, pauses) as changes:
        assert await take(changes, 2) == [("ADDED", "a"), ("SYNCED", "")]
        await put(cluster, "b")
        assert await take(changes, 1) == [("ADDED", "b")]
        simulator.cut("clean")
        await put(cluster, "a", "2")
        assert await take(changes, 1) == [("MODIFIED", "a")]
    assert pauses.asked == [watch.SHORT_PAUSE]


async def test_a_stream_that_breaks_is_resumed_without_a_list(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    async with followed(cluster, pauses) as changes:
        assert await take(changes, 1) == [("SYNCED", "")]
        await put(cluster, "a")
        assert await take(changes, 1) == [("ADDED", "a")]
        simulator.cut("abort")
        await put(cluster, "b")
        assert await take(changes, 1) == [("ADDED", "b")]


async def test_a_version_too_old_inside_the_stream_lists_again_and_tells_the_difference(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    for name in ("gone", "same", "changed"):
        await put(cluster, name)
    async with followed(cluster, pauses) as changes:
        await take(changes, 4)
        simulator.fault("silence", verb="watch")
        await put(cluster, "changed", "2")
        await remove(cluster, "gone")
        await put(cluster, "new")
        simulator.compact()
        simulator.clear_faults()
        assert await take(changes, 4) == [
            ("MODIFIED", "changed"),
            ("ADDED", "new"),
            ("DELETED", "gone"),
            ("SYNCED", ""),
        ]


async def test_an_object_made_anew_while_away_is_a_deletion_and_an_addition(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    await put(cluster, "a")
    async with followed(cluster, pauses) as changes:
        await take(changes, 2)
        simulator.fault("silence", verb="watch")
        await remove(cluster, "a")
        await put(cluster, "a")
        simulator.compact()
        simulator.clear_faults()
        assert await take(changes, 3) == [("DELETED", "a"), ("ADDED", "a"), ("SYNCED", "")]


async def test_a_version_too_old_as_a_status_lists_again(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    async with followed(cluster, pauses) as changes:
        await take(changes, 1)
        simulator.fault("status", verb="watch", code=410, times=1)
        await put(cluster, "a")
        simulator.cut("abort")
        assert set(await take(changes, 2)) == {("ADDED", "a"), ("SYNCED", "")}


async def test_long_lists_are_read_in_pages(cluster: Cluster, pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE", 2)
    for number in range(5):
        await put(cluster, f"m{number}")
    async with followed(cluster, pauses) as changes:
        found = await take(changes, 6)
    assert found == [("ADDED", f"m{number}") for number in range(5)] + [("SYNCED", "")]


async def test_only_what_the_selector_names_is_told(cluster: Cluster, pauses: Pauses) -> None:
    await put(cluster, "mine", app="shop")
    await put(cluster, "other", app="blog")
    async with followed(cluster, pauses, labels="app=shop") as changes:
        assert await take(changes, 2) == [("ADDED", "mine"), ("SYNCED", "")]
        await put(cluster, "mine", app="blog")
        assert await take(changes, 1) == [("DELETED", "mine")]


async def test_trouble_is_told_and_waited_out_with_growing_pauses(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    simulator.fault("status", verb="watch", code=500, times=3)
    async with followed(cluster, pauses) as changes:
        found = await take(changes, 7)
    assert found == [("SYNCED", ""), ("TROUBLE", "CLUSTER_FAULT")] * 3 + [("SYNCED", "")]
    assert [0.8 * 2**n <= pause <= 1.6 * 2**n for n, pause in enumerate(pauses.asked)] == [True] * 3


async def test_a_refusal_is_asked_again_only_after_a_minute(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    simulator.fault("deny", verb="list", times=1)
    async with followed(cluster, pauses) as changes:
        change = await anext(changes)
        assert isinstance(change.error, Forbidden)
        assert await take(changes, 1) == [("SYNCED", "")]
    assert pauses.asked == [60.0]


async def test_the_wish_of_a_throttling_cluster_is_honoured(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    simulator.fault("status", verb="watch", code=429, seconds=9, times=1)
    async with followed(cluster, pauses) as changes:
        await take(changes, 1)
        change = await anext(changes)
        assert isinstance(change.error, Throttled)
        assert await take(changes, 1) == [("SYNCED", "")]
    assert pauses.asked == [9.0]


async def test_a_silent_stream_is_opened_anew(
    simulator: Simulator, cluster: Cluster, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE", 0.05)
    async with followed(cluster, pauses) as changes:
        await take(changes, 1)
        simulator.fault("silence", verb="watch")
        pauses.then = simulator.clear_faults  # the next stream may speak again
        await put(cluster, "a")
        assert await take(changes, 1) == [("ADDED", "a")]
    assert pauses.asked == [watch.SHORT_PAUSE]
