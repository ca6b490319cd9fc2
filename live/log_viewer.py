"""One reader of a stream: what waits for it, bounded, and what had to be left out because it reads too slowly."""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from time import time_ns

from live.log_events import Drop, LogBatch, LogEnd, LogEvent, LogHeartbeat
from live.log_filter import Filter

MOST_LINES = 5_000
MOST_BYTES = 4 * 1024 * 1024
_MOST_EVENTS = 2_000


class Viewer:
    """`put` never waits: what a viewer does not read in time is dropped, the oldest first, and counted.

    `next` gives the events in order. Batches are shared with other viewers; only the references are its own.
    attached: whether it gets what comes in; until then its beginning is being prepared.
    """

    def __init__(self, filter: Filter, tail: int) -> None:
        self.filter = filter
        self.tail = tail
        self.attached = False
        self.told: set[int] = set()
        """The indexes of the sources that it was told of."""
        self._opening: deque[LogEvent] = deque()
        self._waiting: deque[LogEvent] = deque()
        self._lines = self._bytes = 0
        self._dropped: dict[tuple[int, str], Drop] = {}
        self._end: LogEnd | None = None
        self._wake = asyncio.Event()
        self._lag: int | None = None

    def begin(self, events: Iterable[LogEvent]) -> None:
        """What the stream begins with: it comes before everything else, and its size is the viewer's own choice."""
        self.attached = True
        self._opening.extend(events)
        self._wake.set()

    def put(self, event: LogEvent) -> None:
        """Hands an event over."""
        self._waiting.append(event)
        if isinstance(event, LogBatch):
            self._lines += len(event.lines)
            self._bytes += event.size
            while self._lines > MOST_LINES or self._bytes > MOST_BYTES:
                self._drop_oldest()
        elif len(self._waiting) > _MOST_EVENTS:
            self.end(LogEnd("SLOW_CONSUMER", True, "More happened than was read; come back to go on."))
        self._wake.set()

    def end(self, end: LogEnd) -> None:
        """Ends the stream: `end` comes after what waits; the first end counts."""
        self._end = self._end or end
        self._wake.set()

    def wake(self) -> None:
        """Lets `next` return at once."""
        self._wake.set()

    async def next(self, seconds: float) -> LogEvent | None:
        """The next event; None when there was none for so long. After a LogEnd there is no other."""
        if not self._opening and not self._waiting and self._end is None:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if self._opening:
            return self._seen(self._opening.popleft())
        if self._dropped:
            return self._drops()
        if self._waiting:
            return self._take()
        return self._end

    def heartbeat(self, upstreams: int) -> LogHeartbeat:
        """A sign of life, with how late the last line that was read had become when it was read."""
        return LogHeartbeat(upstreams, self._lag)

    def _take(self) -> LogEvent:
        event = self._waiting.popleft()
        if isinstance(event, LogBatch):
            self._lines -= len(event.lines)
            self._bytes -= event.size
        return self._seen(event)

    def _seen(self, event: LogEvent) -> LogEvent:
        if isinstance(event, LogBatch) and event.lines:
            self._lag = max(0, (time_ns() - event.lines[-1].ns) // 1_000_000)
        return event

    def _drops(self) -> LogBatch:
        """What was dropped, as a batch of its own: the next one stays the object that the others get."""
        dropped, self._dropped = tuple(self._dropped.values()), {}
        return LogBatch((), 0, dropped)

    def _drop_oldest(self) -> None:
        at = next(index for index, event in enumerate(self._waiting) if isinstance(event, LogBatch))
        batch = self._waiting[at]
        assert isinstance(batch, LogBatch)
        del self._waiting[at]
        self._lines -= len(batch.lines)
        self._bytes -= batch.size
        for drop in batch.dropped:
            self._count(drop)
        for line in batch.lines:
            self._count(Drop(line.source, 1, line.ns, line.ns, "SLOW_CONSUMER"))

    def _count(self, drop: Drop) -> None:
        key = drop.source, drop.reason
        known = self._dropped.get(key)
        if known is not None:
            drop = Drop(drop.source, known.count + drop.count, known.first_ns, drop.last_ns, drop.reason)
        self._dropped[key] = drop
