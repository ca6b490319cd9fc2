"""One reader of a stream: what waits for it, bounded, and what had to be left out because it reads too slowly."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from time import monotonic, time_ns

from live.log_cursor import Mark, Place, Scope
from live.log_events import Drop, LogBatch, LogEnd, LogEvent, LogHeartbeat
from live.log_filter import Filter
from settings import settings

MOST_LINES = 5_000
MOST_BYTES = 4 * 1024 * 1024
_MOST_EVENTS = 2_000


class Signal:
    """An asyncio.Event for one that waits, in a tenth of the memory."""

    __slots__ = ("_set", "_waiter")

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        self._set = False

    async def wait(self) -> None:
        if not self._set:
            assert self._waiter is None, "one waits already"
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


class Viewer:
    """`put` never waits: what a viewer does not read in time is dropped, the oldest of who sends most, and counted.

    `next` gives the events in order. Batches are shared with other viewers; only the references are its own.

    begun: whether it gets what comes in. pending: the containers that it does not get yet, because it stands before
    what comes in: at this place, or it is not known where (None) until their past was read.
    """

    def __init__(self, filter: Filter, scope: Scope, tail: int) -> None:
        self.filter = filter
        self.scope = scope
        self.tail = tail
        self.begun = False
        self.pending: dict[bytes, Place | None] = {}
        self.owed = False
        """Whether it was told of a gap in the past, and of no place behind it: it would be told again."""
        self.told: set[int] = set()
        """The indexes of the sources that it was told of."""
        self._mark: Mark | None = None
        self._waiting: list[tuple[LogEvent, bool]] = []  # mostly empty: a deque takes 700 bytes then
        self._lines = self._bytes = self._given = 0
        self._dropped: dict[tuple[int, str], Drop] = {}
        self._end: LogEnd | None = None
        self._wake = Signal()
        self._taken = Signal()
        self._read_at = monotonic()
        self._lag: int | None = None

    def stand(self, mark: Mark) -> None:
        """Says where it stands before anything was read."""
        self._mark = mark

    def give(self, events: Iterable[LogEvent]) -> None:
        """Hands over what it asked for itself: none of that is dropped, and its size is its own choice."""
        for event in events:
            self._waiting.append((event, True))
            self._given += 1
            self._wake.set()

    async def taken(self) -> None:
        """Waits until all that was given has been read."""
        while self._given:
            self._taken.clear()
            await self._taken.wait()

    def put(self, event: LogEvent) -> None:
        """Hands over what came in."""
        if self._end is not None:
            return
        if not self._waiting:
            self._read_at = monotonic()
        self._waiting.append((event, False))
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

    @property
    def stalled(self) -> bool:
        """Whether something has waited for it for so long that it does not seem to be read any more."""
        return bool(self._waiting) and monotonic() - self._read_at > settings().log_stall

    def give_up(self) -> None:
        """Ends a stream that is not read: what waits is let go of, and is there again for who comes back."""
        self._waiting.clear()
        self._dropped.clear()
        self._lines = self._bytes = self._given = 0
        self._taken.set()
        self.end(LogEnd("SLOW_CONSUMER", True, "It was not read for a while; come back with the cursor to go on."))

    async def next(self, seconds: float) -> LogEvent | None:
        """The next event; None when there was none for so long. After a LogEnd there is no other."""
        self._read_at = monotonic()
        if not self._waiting and self._end is None:
            self._wake.clear()
            # A tenth of what asyncio.timeout costs, and this is done for every batch of every viewer.
            late = asyncio.get_running_loop().call_later(seconds, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                late.cancel()
        if self._dropped:
            return self._drops()
        if self._waiting:
            return self._take()
        return self.last(self._end) if self._end is not None else None

    def last(self, end: LogEnd) -> LogEnd:
        """The end with what to come back with."""
        return replace(end, cursor=self._mark.text) if self._mark is not None else end

    def heartbeat(self, upstreams: int, now: Mark) -> LogHeartbeat:
        """A sign of life, with how late the last line that was read had become when it was read.

        now: where it stands when it has read all that was for it.
        """
        if self.begun and not self._waiting and not self._dropped:
            self._mark = now
        return LogHeartbeat(upstreams, self._lag, self._mark)

    def _take(self) -> LogEvent:
        event, given = self._waiting.pop(0)
        if given:
            self._given -= 1
            self._taken.set()
        if isinstance(event, LogBatch):
            if not given:
                self._lines -= len(event.lines)
                self._bytes -= event.size
            self._mark = event.mark or self._mark
            if event.lines:
                self._lag = max(0, (time_ns() - event.lines[-1].ns) // 1_000_000)
        return event

    def _drops(self) -> LogBatch:
        """What was dropped, as a batch of its own: the next one stays the object that the others get."""
        dropped, self._dropped = tuple(self._dropped.values()), {}
        return LogBatch((), 0, dropped, self._mark)

    def _drop_oldest(self) -> None:
        """Drops the oldest lines of the source that most is waiting of, so that one cannot crowd out the others."""
        waiting: Counter[int] = Counter()
        for event, given in self._waiting:
            if isinstance(event, LogBatch) and not given:
                waiting.update(event.sizes)
        noisiest = max(waiting, key=waiting.__getitem__)
        for at, (event, given) in enumerate(self._waiting):
            if isinstance(event, LogBatch) and not given and noisiest in event.sizes:
                self._drop(at, event, noisiest)
                return

    def _drop(self, at: int, batch: LogBatch, source: int) -> None:
        kept = tuple(line for line in batch.lines if line.source != source)
        gone = [line for line in batch.lines if line.source == source]
        size = batch.sizes[source]
        self._lines -= len(gone)
        self._bytes -= size
        self._count(Drop(source, len(gone), size, gone[0].ns, gone[-1].ns, "SLOW_CONSUMER"))
        if kept:
            self._waiting[at] = LogBatch(kept, batch.size - size, batch.dropped, batch.mark), False
            return
        del self._waiting[at]
        for drop in batch.dropped:
            self._count(drop)

    def _count(self, drop: Drop) -> None:
        key = drop.source, drop.reason
        known = self._dropped.get(key)
        self._dropped[key] = drop if known is None else known.and_then(drop)
