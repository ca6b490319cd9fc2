"""Nobody who reads slowly or writes too much harms anyone else, and what is left out for it is said, to the line."""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from live.log_events import LogBatch, LogEvent
from settings import settings
from tests.live.pods import Container, FakeInstance, hub_of, line, lines, read, told, watching


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


async def test_a_container_that_writes_far_too_much_is_cut_and_the_cut_is_counted() -> None:
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
        quiet.write(line(70_000, "heard"))
        while not any(isinstance(event, LogBatch) and is_heard(event) for event in events):
            events += await told(viewer, 1)
        seqs, dropped, _ = account([only(event, 0) for event in events])
        assert dropped == {"RATE_LIMIT": 60_000 - len(seqs)}
        assert 10_000 <= len(seqs) < 20_000


def is_heard(batch: LogBatch) -> bool:
    return any(each.message == "heard" for each in batch.lines)


def only(event: LogEvent, source: int) -> LogEvent:
    """What a batch holds of one source."""
    if not isinstance(event, LogBatch):
        return event
    return LogBatch(tuple(each for each in event.lines if each.source == source), 0, event.dropped)


async def test_a_beginning_may_be_larger_than_what_may_wait() -> None:
    web = Container(past=[line(number, "x" * 2_000) for number in range(1, 3_001)])
    async with watching(hub_of(FakeInstance(web)), tail=3_000) as viewer:
        _, *events = await told(viewer, 7)
    seqs, dropped, _ = account(events)
    assert len(seqs) == 3_000
    assert dropped == {}
