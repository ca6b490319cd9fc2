"""Coming back with a cursor: every line once, and what cannot be had is told."""

from collections.abc import AsyncIterator

import pytest

from kube.errors import Unreachable
from kube.log_records import Gap
from kube.pods import ContainerEvent
from live.log_events import LogBatch, LogEnd, LogGap, LogLifecycle, LogSources
from live.log_filter import Filter
from live.log_viewer import Viewer
from live.logs import Hub
from settings import settings
from tests.kit.waiting import until
from tests.live.pods import HOME, SECOND, Container, FakeInstance, events, hub_of, line, lines, read, told, watching


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Batches that are made at once, and readings that last."""
    for name, value in (("LOG_FLUSH", "0.001"), ("LOG_LINGER", "60"), ("LOG_OPENING", "10")):
        monkeypatch.setenv(f"BERTH_{name}", value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def texts(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def cursor(viewer: Viewer) -> str:
    """What a viewer would come back with."""
    text = viewer.last(LogEnd("", True)).cursor
    assert text is not None
    return text


async def left(hub: Hub, count: int, **options: object) -> str:
    """The cursor of a viewer that left after so many lines."""
    async with watching(hub, **options) as viewer:  # type: ignore[arg-type]
        await read(viewer, count)
        return cursor(viewer)


async def gap_of(viewer: Viewer, *known: int) -> LogGap:
    """The next gap, whose source is known or told of before it."""
    told_of: set[int | None] = {None, *known}
    async for event in events(viewer):
        if isinstance(event, LogSources):
            told_of |= {source.index for source in event.sources}
        if isinstance(event, LogGap):
            assert event.source in told_of
            return event
    raise AssertionError("the stream ended")


async def test_what_came_meanwhile_is_in_the_ring_and_comes_once() -> None:
    web = Container(past=lines(1, 5))
    hub = hub_of(FakeInstance(web))
    after = await left(hub, 5)
    web.write(*lines(6, 9))
    await web.drained()
    async with watching(hub, after=after, tail=3) as viewer:
        assert await read(viewer, 4) == texts(6, 9)
        web.write(line(10))
        assert await read(viewer, 1) == texts(10, 10)
    assert web.read == 0


async def test_what_the_ring_has_not_is_read_from_the_cluster_and_joined_without_a_seam() -> None:
    web = Container(past=lines(1, 5))
    after = await left(hub_of(FakeInstance(web)), 5)
    other = Container(past=lines(1, 9_000))
    async with watching(hub_of(FakeInstance(other)), after=after) as viewer:
        assert await read(viewer, 8_995) == texts(6, 9_000)
        other.write(line(9_001))
        assert await read(viewer, 1) == texts(9_001, 9_001)
    assert other.read > 0


async def test_every_cursor_of_a_beginning_goes_on_behind_the_line_before_it() -> None:
    web, worker = Container("web", past=lines(1, 1_500)), Container("worker", "worker-1", past=lines(1, 1_500))
    hub = hub_of(FakeInstance(web, worker))
    async with watching(hub, tail=2_000) as viewer:
        seen: list[str] = []
        for event in await told(viewer, 5):
            if isinstance(event, LogBatch):
                seen += [each.message for each in event.lines]
                assert event.cursor is not None
                async with watching(hub, after=event.cursor) as back:
                    rest = await read(back, 2_000 - len(seen)) if len(seen) < 2_000 else []
                    assert sorted(seen + rest) == sorted(texts(501, 1_500) * 2)


async def test_a_filter_leaves_nothing_behind_that_is_read_again() -> None:
    web = Container(past=[line(1, "hello"), *lines(2, 5)])
    hub = hub_of(FakeInstance(web))
    wanted = Filter(contains="hello")
    after = await left(hub, 1, filter=wanted)
    web.write(*lines(6, 7), line(8, "hello again"))
    await web.drained()
    async with watching(hub, wanted, after=after) as viewer:
        assert await read(viewer, 1) == ["hello again"]


async def test_a_heartbeat_moves_on_behind_lines_that_a_filter_left_out() -> None:
    web = Container(past=[line(1, "hello")])
    hub = hub_of(FakeInstance(web))
    with hub.stream("usr_1", HOME, Filter(contains="hello")) as stream:
        await read(stream.viewer, 1)
        first = stream.heartbeat().cursor
        web.write(line(2))
        await web.drained()

        async def moved() -> bool:
            return stream.heartbeat().cursor != first

        await until(moved, True)


async def test_a_run_that_ended_meanwhile_is_read_to_its_end_and_the_new_one_from_its_start() -> None:
    first = Container(past=lines(1, 5))
    after = await left(hub_of(FakeInstance(first)), 5)
    first.kept += lines(6, 7)
    instance = FakeInstance(synced=False)
    instance.add(first)
    second = Container(run="run-2", past=lines(8, 9))
    instance.tell("JOINED", second, before="run-1", restarts=1)
    instance.put(ContainerEvent("SYNCED"))
    async with watching(hub_of(instance), after=after) as viewer:
        assert await read(viewer, 4) == texts(6, 9)
        second.write(line(10))
        assert await read(viewer, 1) == texts(10, 10)


async def test_the_rest_of_a_run_that_is_gone_is_a_gap_of_a_source_that_is_told() -> None:
    after = await left(hub_of(FakeInstance(Container(past=lines(1, 5)))), 5)
    instance = FakeInstance(synced=False)
    instance.tell("JOINED", Container(run="run-2", past=lines(8, 9)), before="run-1", restarts=1)
    instance.put(ContainerEvent("SYNCED"))
    async with watching(hub_of(instance), after=after) as viewer:
        gap = await gap_of(viewer)
        assert (gap.after_ns, gap.reason) == (5 * SECOND, "REMOVED")
        assert await read(viewer, 2) == texts(8, 9)


async def test_a_gap_behind_which_nothing_comes_is_told_once() -> None:
    web = Container(past=lines(1, 5))
    instance = FakeInstance(web, Container("job", "job-1"))
    hub = hub_of(instance)
    after = await left(hub, 5)
    web.write(Gap(5 * SECOND, 0, "REMOVED"))
    await web.drained()
    web.end()
    async with watching(hub, after=after) as viewer:
        assert (await gap_of(viewer)).reason == "REMOVED"
        [empty] = await told(viewer, 1)
        assert isinstance(empty, LogBatch)
        assert (empty.lines, empty.mark is None) == ((), False)
        after = cursor(viewer)
    async with watching(hub, after=after) as viewer:
        assert isinstance((await told(viewer, 1))[0], LogSources)
        assert await viewer.next(0.2) is None


async def test_runs_that_nobody_read_are_told_as_a_gap() -> None:
    after = await left(hub_of(FakeInstance(Container(past=lines(1, 5)))), 5)
    third = Container(run="run-3", past=lines(8, 9))
    instance = FakeInstance(synced=False)
    instance.add(third)
    fourth = Container(run="run-4", past=lines(10, 11))
    instance.tell("JOINED", fourth, before="run-3", restarts=3)
    instance.put(ContainerEvent("SYNCED"))
    async with watching(hub_of(instance), after=after) as viewer:
        gap = await gap_of(viewer)
        assert (gap.after_ns, gap.until_ns, gap.reason) == (5 * SECOND, 0, "REMOVED")
        assert await read(viewer, 4) == texts(8, 11)


async def test_a_container_that_is_gone_is_told_as_a_gap_unless_all_of_it_was_read() -> None:
    web = Container(past=lines(1, 5))
    instance = FakeInstance(web)
    hub = hub_of(instance)
    with hub.stream("usr_1", HOME, Filter()) as stream:
        await read(stream.viewer, 5)
        early = cursor(stream.viewer)
        web.end()
        instance.tell("ENDED", web)
        await told(stream.viewer, 1)
        late = stream.heartbeat().cursor
    other = Container("worker", "worker-1", past=[line(1, "there")])
    async with watching(hub_of(FakeInstance(other)), after=early) as viewer:
        assert await gap_of(viewer) == LogGap(None, 5 * SECOND, 0, "REMOVED")
        assert await read(viewer, 1) == ["there"]
    async with watching(hub_of(FakeInstance(other)), after=late) as viewer:
        sources, batch = await told(viewer, 2)
        assert isinstance(sources, LogSources)
        assert isinstance(batch, LogBatch)


async def test_the_last_lines_of_a_pod_that_went_meanwhile_are_kept_for_who_comes_back() -> None:
    web = Container(past=lines(1, 5))
    instance = FakeInstance(web)
    hub = hub_of(instance)
    after = await left(hub, 5)
    web.write(*lines(6, 7))
    web.end()
    instance.tell("LEFT", web)
    fresh = Container(pod="web-2")
    fresh.write(line(8))
    instance.tell("JOINED", fresh, fresh=True)
    await fresh.drained()
    async with watching(hub, after=after) as viewer:
        assert await read(viewer, 3) == texts(6, 8)
        again = cursor(viewer)
    async with watching(hub, after=again) as viewer:
        fresh.write(line(9))
        assert await read(viewer, 1) == texts(9, 9)


async def test_lines_that_the_node_has_no_more_are_told_as_a_gap() -> None:
    after = await left(hub_of(FakeInstance(Container(past=lines(1, 5)))), 5)
    async with watching(hub_of(FakeInstance(Container(past=lines(8, 9)))), after=after) as viewer:
        gap = await gap_of(viewer)
        assert (gap.after_ns, gap.until_ns, gap.reason) == (5 * SECOND, 8 * SECOND, "ROTATION")
        assert await read(viewer, 2) == texts(8, 9)
    empty = Container()
    async with watching(hub_of(FakeInstance(empty)), after=after) as viewer:
        gap = await gap_of(viewer)
        assert (gap.after_ns, gap.until_ns, gap.reason) == (5 * SECOND, 0, "ROTATION")
        empty.write(line(9))
        assert await read(viewer, 1) == texts(9, 9)


async def test_a_container_that_nobody_read_from_its_start_may_lack_its_first_lines() -> None:
    after = await left(hub_of(FakeInstance(Container(past=lines(1, 5)))), 5)
    instance = FakeInstance(Container(past=lines(1, 5)), synced=False)
    instance.tell("JOINED", Container(pod="web-2", past=lines(60, 61)), started=10 * SECOND)
    instance.tell("JOINED", Container(pod="web-3", past=lines(11, 12)), started=10 * SECOND)
    instance.put(ContainerEvent("SYNCED"))
    async with watching(hub_of(instance), after=after) as viewer:
        assert await read(viewer, 2) == texts(11, 12)
        gap = await gap_of(viewer, 0, 1, 2)
        assert (gap.source, gap.after_ns, gap.until_ns, gap.reason) == (1, 0, 60 * SECOND, "ROTATION")
        assert await read(viewer, 2) == texts(60, 61)


async def test_a_cluster_that_does_not_answer_keeps_who_comes_back_waiting_with_its_cursor() -> None:
    web = Container(past=lines(1, 5))
    hub = hub_of(FakeInstance(web))
    after = await left(hub, 5)
    instance = FakeInstance(synced=False)
    with hub_of(instance).stream("usr_1", HOME, Filter(), after=after) as stream:
        assert stream.heartbeat().cursor == after
        instance.put(ContainerEvent("TROUBLE", error=Unreachable("It does not answer.")))
        [away] = await told(stream.viewer, 1)
        assert isinstance(away, LogLifecycle)
        assert away.type == "INTERRUPTED"
        back = Container(past=lines(1, 6))
        instance.tell("JOINED", back)
        instance.put(ContainerEvent("SYNCED"))
        assert await read(stream.viewer, 1) == texts(6, 6)


async def test_a_slow_container_keeps_no_other_from_going_on() -> None:
    web, slow = Container("web", past=lines(1, 2)), Container("slow", "slow-1", past=lines(3, 4))
    hub = hub_of(FakeInstance(web, slow))
    after = await left(hub, 4)
    web, slow = Container("web", past=lines(1, 5)), Container("slow", "slow-1", past=lines(3, 6))
    slow.readable.clear()
    settings.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BERTH_LOG_OPENING", "0.05")
        async with watching(hub_of(FakeInstance(web, slow)), after=after) as viewer:
            assert await read(viewer, 3) == texts(3, 5)
            between = cursor(viewer)
            slow.readable.set()
            assert await read(viewer, 2) == texts(5, 6)
    assert between != after


async def test_a_gap_that_comes_while_one_is_away_is_not_forgotten() -> None:
    web = Container(past=lines(1, 5))
    hub = hub_of(FakeInstance(web))
    after = await left(hub, 5)
    web.write(line(6), Gap(6 * SECOND, 8 * SECOND, "ROTATION"), line(8))
    await web.drained()
    async with watching(hub, after=after) as viewer:
        _, before, gap, behind = await told(viewer, 4)
        assert isinstance(before, LogBatch)
        assert gap == LogGap(0, 6 * SECOND, 8 * SECOND, "ROTATION")
        assert isinstance(behind, LogBatch)
        assert [each.message for each in (*before.lines, *behind.lines)] == ["line 6", "line 8"]
