"""Nobody who reads slowly or writes too much harms anyone else, and what is left out for it is said, to the line."""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from live.log_events import LogBatch, LogEnd, LogEvent
from live.log_filter import Filter
from settings import settings
from tests.kit.waiting import until
from tests.live.pods import HOME, SECOND, Container, FakeInstance, hub_of, line, lines, read, told, watching


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Batches that are made at once."""
    monkeypatch.setenv("BERTH_LOG_FLUSH", "0.001")
    monkeypatch.setenv("BERTH_LOG_LINGER", "0")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def account(events: list[LogEvent]) -> tuple[list[int], Counter[str], int]:
    """The numbers of the lines, what was dropped by reason, and how many numbers are missing between the lines."""
    batches = [event for event in events if isinstance(event, LogBatch)]
    seqs = [each.seq for batch in batches for each in batch.lines]
    dropped: Counter[str] = Counter()
    for batch in batches:
        for drop in batch.dropped:
            dropped[drop.reason] += drop.count
    missing = sum(after - before - 1 for before, after in pairwise([0, *seqs]))
    return seqs, dropped, missing


async def test_a_viewer_that_reads_too_slowly_loses_the_oldest_and_is_told_how_many() -> None:
    web = Container()
    async with watching(hub_of(FakeInstance(web))) as slow:
        await told(slow, 1)
        for first in range(1, 9_001, 1_000):
            web.write(*lines(first, first + 999))
        await web.drained()
        events = await told(slow, 26)
    seqs, dropped, missing = account(events)
    assert seqs == list(range(4_001, 9_001))
    assert (dropped, missing) == ({"SLOW_CONSUMER": 4_000}, 4_000)


async def test_a_slow_viewer_harms_no_other() -> None:
    web = Container()
    hub = hub_of(FakeInstance(web))
    async with watching(hub) as slow, watching(hub) as healthy:
        await told(slow, 1)
        await told(healthy, 1)
        messages: list[str] = []
        for first in range(1, 9_001, 100):
            web.write(*lines(first, first + 99))
            messages += await read(healthy, 100)
        assert messages == [f"line {number}" for number in range(1, 9_001)]


async def test_what_a_slow_viewer_gets_after_its_drops_is_the_very_batch_that_the_others_get() -> None:
    web = Container()
    hub = hub_of(FakeInstance(web))
    async with watching(hub) as slow, watching(hub) as healthy:
        await told(slow, 1)
        await told(healthy, 1)
        for first in range(1, 9_001, 1_000):
            web.write(*lines(first, first + 999))
            await told(healthy, 4)
        last = await told(healthy, 9)
        drops, *kept = await told(slow, 26)
    assert isinstance(drops, LogBatch)
    assert drops.lines == ()
    assert all(event is other for event, other in zip(kept[-9:], last, strict=True))


class Clock:
    """The time that allowances grow by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("live.log_feed.monotonic", lambda: self.now)


async def test_a_container_that_writes_far_too_much_is_cut_and_the_cut_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    busy, quiet = Container("busy", "busy-1"), Container("quiet", "quiet-1")
    hub = hub_of(FakeInstance(busy, quiet))
    async with watching(hub) as viewer:
        await told(viewer, 1)
        events: list[LogEvent] = []
        for first in range(1, 10_001, 1_000):
            busy.write(*lines(first, first + 999))
            events += await told(viewer, 5)
        busy.write(*lines(10_001, 60_000))
        await busy.drained()
        clock.now = 1.0
        busy.write(*lines(60_001, 63_000))
        await busy.drained()
        quiet.write(line(70_000, "heard"))
        while not any(isinstance(event, LogBatch) and is_heard(event) for event in events):
            events += await told(viewer, 1)
        seqs, dropped, missing = account([only(event, 0) for event in events])
    assert seqs == [*range(1, 10_001), *range(60_001, 62_001)]
    assert (dropped, missing) == ({"RATE_LIMIT": 51_000}, 50_000)
    drops = [drop for event in events if isinstance(event, LogBatch) for drop in event.dropped]
    assert (drops[0].first_ns, drops[-1].last_ns) == (10_001 * SECOND, 63_000 * SECOND)
    assert sum(drop.bytes for drop in drops) == 51_000 * len("line 12345")


async def test_a_container_that_writes_few_and_huge_lines_is_cut_by_their_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clock(monkeypatch)
    web = Container()
    async with watching(hub_of(FakeInstance(web))) as viewer:
        await told(viewer, 1)
        for number in range(1, 301):
            web.write(line(number, "x" * 50_000))
            await web.drained()
        events: list[LogEvent] = []
        while account(events)[1]["RATE_LIMIT"] < 100:
            events += await told(viewer, 1)
    drops = [drop for event in events if isinstance(event, LogBatch) for drop in event.dropped]
    limited = [drop for drop in drops if drop.reason == "RATE_LIMIT"]
    assert (sum(drop.count for drop in limited), sum(drop.bytes for drop in limited)) == (100, 5_000_000)
    assert (limited[0].first_ns, limited[-1].last_ns) == (201 * SECOND, 300 * SECOND)


async def test_the_noisiest_source_loses_its_lines_first() -> None:
    busy, quiet = Container("busy", "busy-1"), Container("quiet", "quiet-1")
    async with watching(hub_of(FakeInstance(busy, quiet))) as slow:
        await told(slow, 1)
        for first in range(1, 8_001, 1_000):
            quiet.write(line(first))
            await quiet.drained()
            busy.write(*lines(first, first + 999))
            await busy.drained()
        events: list[LogEvent] = []
        while not events or account([only(event, 0) for event in events])[0][-1:] != [8_000]:
            events += await told(slow, 1)
    assert account([only(event, 1) for event in events])[0] == list(range(1, 9))
    drops = [drop for event in events if isinstance(event, LogBatch) for drop in event.dropped]
    assert {drop.source for drop in drops} == {0}
    _, dropped, missing = account([only(event, 0) for event in events])
    assert dropped["SLOW_CONSUMER"] == missing > 2_000


async def test_a_viewer_that_does_not_read_is_given_up_and_has_all_of_it_when_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BERTH_LOG_STALL", "0.1")
    monkeypatch.setenv("BERTH_LOG_LINGER", "60")
    settings.cache_clear()
    web = Container(past=[line(1)])
    hub = hub_of(FakeInstance(web))
    with hub.stream("usr_1", HOME, Filter()) as stream:
        assert await read(stream.viewer, 1) == ["line 1"]
        web.write(*lines(2, 7_000))

        async def given_up() -> bool:
            return stream.group.viewers == 0

        await until(given_up, True)
        [end] = await told(stream.viewer, 1)
        assert isinstance(end, LogEnd)
        assert (end.reason, end.retryable) == ("SLOW_CONSUMER", True)
    async with watching(hub, after=end.cursor) as viewer:
        assert await read(viewer, 6_999) == [f"line {number}" for number in range(2, 7_001)]


def is_heard(batch: LogBatch) -> bool:
    return any(each.message == "heard" for each in batch.lines)


def only(event: LogEvent, source: int) -> LogEvent:
    """What a batch holds of one source."""
    if not isinstance(event, LogBatch):
        return event
    dropped = tuple(drop for drop in event.dropped if drop.source == source)
    return LogBatch(tuple(each for each in event.lines if each.source == source), 0, dropped)


async def test_a_beginning_may_be_larger_than_what_may_wait() -> None:
    web = Container(past=[line(number, "x" * 2_000) for number in range(1, 3_001)])
    async with watching(hub_of(FakeInstance(web)), tail=3_000) as viewer:
        _, *events = await told(viewer, 7)
    seqs, dropped, _ = account(events)
    assert len(seqs) == 3_000
    assert dropped == {}
