"""The hub of live logs: one reading for all who watch, and each gets the same lines without a seam."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kube.errors import KubeconfigInvalid, Unreachable
from kube.log_records import Fault, Gap, Line, Position
from kube.pods import ContainerEvent
from live.log_events import LogBatch, LogEnd, LogGap, LogLifecycle, LogSources
from live.log_filter import Filter
from live.logs import Hub
from rules.refusals import Refused
from settings import settings
from tests.kit.waiting import until
from tests.live.pods import Container, FakeInstance, broken_hub, hub_of, line, lines, read, told, watching


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Batches that are made at once, and readings that end at once."""
    for name, value in (("LOG_FLUSH", "0.001"), ("LOG_LINGER", "0"), ("LOG_OPENING", "10")):
        monkeypatch.setenv(f"BERTH_{name}", value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def texts(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


async def test_a_stream_begins_with_the_sources_and_the_past_and_goes_on_without_a_seam() -> None:
    web = Container(past=lines(1, 5))
    async with watching(hub_of(FakeInstance(web)), tail=3) as viewer:
        first = (await told(viewer, 1))[0]
        assert isinstance(first, LogSources)
        [source] = first.sources
        assert (source.index, source.service, source.pod, source.container_id) == (0, "web", "web-1", "run-1")
        assert await read(viewer, 3) == texts(3, 5)
        web.write(*lines(6, 7))
        assert await read(viewer, 2) == texts(6, 7)


async def test_one_reading_serves_all() -> None:
    web = Container(past=lines(1, 5))
    hub = hub_of(FakeInstance(web))
    async with watching(hub) as one, watching(hub) as other:
        assert await read(one, 5) == await read(other, 5) == texts(1, 5)
        web.write(line(6))
        [[batch], [same]] = [await told(viewer, 1) for viewer in (one, other)]
        assert batch is same
        async with watching(hub, tail=2) as late:
            assert await read(late, 2) == texts(5, 6)
            web.write(line(7))
            assert [await read(viewer, 1) for viewer in (one, other, late)] == [["line 7"]] * 3
    assert web.opened == 1


async def test_a_late_viewer_may_ask_for_more_than_the_ring_holds() -> None:
    web = Container(past=lines(1, 3_000))
    hub = hub_of(FakeInstance(web))
    async with watching(hub, tail=1) as first:
        assert await read(first, 1) == ["line 3000"]
        async with watching(hub, tail=2_500) as late:
            batches = [event for event in await told(late, 6) if isinstance(event, LogBatch)]
            found = [each for batch in batches for each in batch.lines]
            assert [each.message for each in found] == texts(501, 3_000)
            assert [each.seq for each in found] == list(range(found[0].seq, found[0].seq + 2_500))


async def test_only_what_somebody_wants_is_read() -> None:
    web, worker = Container("web"), Container("worker", "worker-1")
    async with watching(hub_of(FakeInstance(web, worker)), Filter(services=frozenset({"web"}))) as viewer:
        web.write(line(1))
        assert await read(viewer, 1) == ["line 1"]
        assert (web.opened, worker.opened) == (1, 0)


async def test_lines_that_a_filter_does_not_want_are_left_out() -> None:
    web = Container(past=[line(1, "hello"), line(2, "ERROR no room"), line(3, '{"level":"warn","msg":"Hello"}')])
    hub = hub_of(FakeInstance(web))
    async with watching(hub, Filter(contains="HELLO")) as some, watching(hub, Filter(min_level="WARNING")) as grave:
        assert await read(some, 2) == ["hello", '{"level":"warn","msg":"Hello"}']
        assert await read(grave, 2) == ["ERROR no room", '{"level":"warn","msg":"Hello"}']
        web.write(line(4, "nothing"), line(5, "\x1b[31mERROR\x1b[0m hello"))
        assert await read(some, 1) == await read(grave, 1) == ["\x1b[31mERROR\x1b[0m hello"]


async def test_lines_of_several_sources_are_put_in_order_of_time() -> None:
    web, worker = Container("web", past=[line(1), line(3)]), Container("worker", "worker-1", past=[line(2), line(4)])
    async with watching(hub_of(FakeInstance(web, worker))) as viewer:
        assert await read(viewer, 4) == texts(1, 4)


async def test_a_pod_that_comes_is_told_and_read_from_its_first_line() -> None:
    web = Container()
    instance = FakeInstance(web)
    async with watching(hub_of(instance), tail=0) as viewer:
        await told(viewer, 1)
        added = Container(pod="web-2", past=[line(9)])
        added.write(line(1))
        instance.tell("JOINED", added, fresh=True)
        sources, joined, batch = await told(viewer, 3)
        assert isinstance(sources, LogSources)
        assert [source.pod for source in sources.sources] == ["web-2"]
        assert isinstance(joined, LogLifecycle)
        assert (joined.type, joined.source) == ("JOINED", 1)
        assert isinstance(batch, LogBatch)
        assert [(each.source, each.seq, each.message) for each in batch.lines] == [(1, 1, "line 1")]
        added.end()
        instance.tell("LEFT", added)
        [left] = await told(viewer, 1)
        assert isinstance(left, LogLifecycle)
        assert (left.type, left.source) == ("LEFT", 1)


async def test_a_restart_tells_how_the_run_before_ended_and_loses_none_of_its_lines() -> None:
    web = Container()
    instance = FakeInstance(web)
    async with watching(hub_of(instance)) as viewer:
        await told(viewer, 1)
        again = Container(run="run-2")
        instance.tell("RESTARTED", again, reason="OOMKilled", exit_code=137, restarts=1)
        sources, restarted = await told(viewer, 2)
        assert isinstance(sources, LogSources)
        assert isinstance(restarted, LogLifecycle)
        shown = (restarted.type, restarted.source, restarted.reason, restarted.exit_code, restarted.restarts)
        assert shown == ("RESTARTED", 1, "OOMKilled", 137, 1)
        web.write(line(1, "last words"))
        assert await read(viewer, 1) == ["last words"]
        web.end()
        again.write(line(1, "first words"))
        assert await read(viewer, 1) == ["first words"]


async def test_the_end_of_a_container_is_told_after_its_last_line() -> None:
    web = Container()
    instance = FakeInstance(web)
    async with watching(hub_of(instance)) as viewer:
        await told(viewer, 1)
        await web.reading.wait()
        instance.tell("ENDED", web, reason="Error", exit_code=1)
        web.write(line(1))
        web.end()
        batch, ended = await told(viewer, 2)
        assert isinstance(batch, LogBatch)
        assert isinstance(ended, LogLifecycle)
        assert (ended.type, ended.source, ended.exit_code) == ("ENDED", 0, 1)


async def test_what_keeps_a_container_from_starting_is_told_also_to_those_who_come_later() -> None:
    waiting = Container(run="")
    instance = FakeInstance()
    hub = hub_of(instance)
    async with watching(hub) as viewer:
        await told(viewer, 1)
        instance.tell("WAITING", waiting, reason="ImagePullBackOff", message="Back-off pulling image")
        _, state = await told(viewer, 2)
        async with watching(hub) as late:
            _, same = await told(late, 2)
    assert isinstance(state, LogLifecycle)
    assert (state.type, state.reason, state.message) == ("STATE", "ImagePullBackOff", "Back-off pulling image")
    assert same is state


async def test_gaps_and_errors_of_the_node_are_told_between_the_lines() -> None:
    web = Container()
    async with watching(hub_of(FakeInstance(web))) as viewer:
        await told(viewer, 1)
        fault = Fault("failed to create fsnotify watcher: too many open files")
        web.write(line(1), Gap(1, 2, "ROTATION"), line(2), fault, fault, line(3))
        before, gap, between, said, after = await told(viewer, 5)
    assert [each.message for batch in (before, between, after) for each in batch.lines] == texts(1, 3)  # type: ignore[union-attr]
    assert gap == LogGap(0, 1, 2, "ROTATION")
    assert isinstance(said, LogLifecycle)
    assert (said.type, said.source, said.message) == ("FAULT", 0, fault.message)


async def test_a_cluster_that_does_not_answer_is_told_once_and_when_it_is_back() -> None:
    instance = FakeInstance()
    async with watching(hub_of(instance)) as viewer:
        await told(viewer, 1)
        for _ in range(2):
            instance.put(ContainerEvent("TROUBLE", error=Unreachable("It does not answer.")))
        instance.put(ContainerEvent("SYNCED"))
        away, back = await told(viewer, 2)
    assert isinstance(away, LogLifecycle)
    assert (away.type, away.source, away.reason) == ("INTERRUPTED", None, "CLUSTER_UNAVAILABLE")
    assert isinstance(back, LogLifecycle)
    assert (back.type, back.source) == ("RESUMED", None)


async def test_a_slow_container_keeps_no_other_waiting_and_its_past_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_LOG_OPENING", "0.05")
    settings.cache_clear()
    web, slow = Container("web", past=[line(1)]), Container("slow", "slow-1", past=[line(2)])
    slow.readable.clear()
    async with watching(hub_of(FakeInstance(web, slow))) as viewer:
        assert await read(viewer, 1) == ["line 1"]
        slow.readable.set()
        assert await read(viewer, 1) == ["line 2"]


async def test_reading_ends_a_while_after_the_last_viewer_left() -> None:
    web = Container()
    hub = hub_of(FakeInstance(web))
    async with watching(hub) as viewer:
        await told(viewer, 1)
        await web.reading.wait()

    async def reading() -> bool:
        return web.reading.is_set()

    await until(reading, False)


async def test_there_are_so_many_viewers_of_an_instance_and_streams_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = hub_of(FakeInstance())
    monkeypatch.setenv("BERTH_LOG_STREAMS_PER_USER", "1")
    monkeypatch.setenv("BERTH_LOG_VIEWERS_PER_INSTANCE", "2")
    settings.cache_clear()
    async with watching(hub, user="usr_1"):
        assert await refused(hub, "usr_1") == "There can be 1 log streams at once, and you have as many."
        async with watching(hub, user="usr_2"):
            assert await refused(hub, "usr_3") == "There can be 2 log streams at once, and the instance has as many."
        async with watching(hub, user="usr_3"):
            pass


async def refused(hub: Hub, user: str) -> str:
    with pytest.raises(Refused) as caught:
        async with watching(hub, user=user):
            pass
    assert caught.value.code == "QUOTA_EXCEEDED"
    return caught.value.message


async def test_a_hub_that_closes_ends_every_stream() -> None:
    hub = hub_of(FakeInstance(Container(past=[line(1)])))
    async with watching(hub) as viewer:
        assert await read(viewer, 1) == ["line 1"]
        await hub.close()
        [end] = await told(viewer, 1)
        assert isinstance(end, LogEnd)
        assert (end.reason, end.retryable, end.cursor is not None) == ("SERVER_DRAIN", True, True)


async def test_a_cluster_whose_access_cannot_be_used_ends_the_stream_with_the_reason() -> None:
    async with watching(broken_hub(KubeconfigInvalid("The kubeconfig has no users."))) as viewer:
        assert await told(viewer, 1) == [LogEnd("INTERRUPTED", True, "The kubeconfig has no users.")]


async def test_the_runs_before_are_told_and_then_the_stream_ends() -> None:
    web, worker = Container("web", run="run-2"), Container("worker", "worker-1")
    instance = FakeInstance(synced=False)
    instance.add(Container("web", run="run-1", past=lines(1, 9)))
    instance.tell("JOINED", web, before="run-1", restarts=1)
    instance.tell("JOINED", worker)
    instance.put(ContainerEvent("SYNCED"))
    async with watching(hub_of(instance), Filter(previous=True), tail=2) as viewer:
        sources, batch, end = await told(viewer, 3)
    assert isinstance(sources, LogSources)
    assert [(source.service, source.container_id) for source in sources.sources] == [("web", "run-1")]
    assert isinstance(batch, LogBatch)
    assert [each.message for each in batch.lines] == texts(8, 9)
    assert end == LogEnd("COMPLETED", False, cursor=batch.cursor)


async def test_a_line_that_was_cut_counts_as_what_is_kept_of_it() -> None:
    web = Container()
    async with watching(hub_of(FakeInstance(web))) as viewer:
        await told(viewer, 1)
        web.write(Line(1, "x" * 65_536, 50_000_000, Position(1, 1, 1, 1), truncated=True), line(2))
        assert await read(viewer, 2) == ["x" * 65_536, "line 2"]


async def test_nothing_is_left_of_a_thousand_streams() -> None:
    web = Container(past=[line(1)])
    hub = hub_of(FakeInstance(web))
    before = len(asyncio.all_tasks())
    for _ in range(1_000):
        async with watching(hub) as viewer:
            await told(viewer, 1)
    await hub.close()

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    await until(tasks, before)
    assert (web.opened, web.reading.is_set()) == (1, False)
