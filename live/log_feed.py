"""The log of one container's run, read once however many watch it: its past, its last lines, and what comes in."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from time import monotonic, time_ns
from typing import Protocol

import structlog

from kube.errors import KubeError
from kube.log_records import Fault, Gap, Line, Position, Record
from kube.tail import History
from live.log_events import Drop, LogGap, LogLifecycle, LogSource
from live.log_lines import LogLine, made_line
from live.log_ring import RING_LINES, Hole, Ring
from settings import settings

log = structlog.get_logger(__name__)

BURST = 5.0
"""Seconds of its rate that a container may send at once."""

LAST_NUMBER = 2**31 - 1
"""The largest number that GraphQL's Int holds; the line after it has the number 1 again."""

_AGAIN = 5.0


class Upstream(Protocol):
    """What a feed reads from: `kube.tail.Tail`."""

    async def history(self, lines: int) -> History: ...

    def records(self) -> AsyncGenerator[list[Record], None]: ...


class Allowance:
    """So many lines and bytes a second in the long run, and a few seconds' worth of them at once."""

    def __init__(self) -> None:
        self._rates = settings().log_rate_lines, settings().log_rate_bytes
        self._lines, self._bytes = (rate * BURST for rate in self._rates)
        self._counted = monotonic()

    def take(self, size: int) -> bool:
        """Whether a line of this size may pass."""
        if self._lines < 1 or self._bytes < size:
            lines, bytes = self._rates
            now = monotonic()
            passed, self._counted = now - self._counted, now
            self._lines = min(lines * BURST, self._lines + passed * lines)
            self._bytes = min(bytes * BURST, self._bytes + passed * bytes)
            if self._lines < 1 or self._bytes < size:
                return False
        self._lines -= 1
        self._bytes -= size
        return True


class Feed:
    """Runs from `start` until the source has ended or `stop`; `take` gets new lines, and `tell` everything else.

    primed: the past has been read, so that the ring can be asked for it. With `fresh`, the source is read from its
    first line and everything is new. after: the feed of the run before, which is read to its end first. place: what it
    takes to read, for the length of a block; it tells when that has to be waited for.
    """

    def __init__(
        self,
        source: LogSource,
        upstream: Upstream,
        *,
        fresh: bool,
        after: "Feed | None",
        place: Callable[[Callable[[str, str], None]], AbstractAsyncContextManager[None]],
        take: Callable[[LogSource, list[LogLine], list[Drop], Position], None],
        tell: Callable[[LogGap | LogLifecycle], None],
        ended: Callable[["Feed"], None],
    ) -> None:
        self.source = source
        self.ring = Ring(from_start=fresh)
        self.primed = asyncio.Event()
        self.over = asyncio.Event()
        self.reading = False
        """Whether it has had a place to read in, and the source has not ended."""
        self.finished = False
        """Whether the source has ended, and all of it was read."""
        self.waiting: list[Callable[[], None]] = []
        """Called once, when the past has been read and before anything new is."""
        self._upstream = upstream
        self._after = after
        self._place = place
        self._take = take
        self._tell = tell
        self._ended = ended
        self._next = 1
        self.trouble: LogLifecycle | None = None
        """Why it is not read, since its last line."""
        self._allowance = Allowance()
        self._task: asyncio.Task[None] | None = None
        if fresh:
            self.primed.set()

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self._task is not None and not self.over.is_set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            if self._after is not None:
                await self._after.over.wait()
                self._after = None
            async with self._place(partial(self._say, "HELD")):
                self.trouble, self.reading = None, True
                while not self.primed.is_set():
                    await self._try(self._prime)
                while not await self._try(self._follow):
                    pass
            self.finished = True
        except Exception:  # among them RuntimeError: the client was closed, and the whole group ends
            log.warning("the log of a container cannot be read any more", exc_info=True)
        finally:
            self.reading = False
            self.over.set()
            self._now_primed()
            self._ended(self)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Does a part of the work and answers whether it was done; what went wrong is told once."""
        try:
            await work()
        except KubeError as problem:
            self._say("INTERRUPTED", problem.code, problem.message)
            await asyncio.sleep(_AGAIN)
            return False
        return True

    async def _prime(self) -> None:
        past = await self._upstream.history(RING_LINES)
        self.ring.whole = past.whole
        for record in past.records:
            if isinstance(record, Line):
                self.ring.add(self._line(record))
        self._now_primed()
        self._note([record for record in past.records if not isinstance(record, Line)])

    def _now_primed(self) -> None:
        self.primed.set()
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()

    async def _follow(self) -> None:
        async with aclosing(self._upstream.records()) as pieces:
            async for records in pieces:
                self._note(records)
                await asyncio.sleep(0)  # a busy container has its turn of one piece, and keeps no other waiting

    def _note(self, records: list[Record]) -> None:
        """Hands on the records in their order."""
        lines: list[LogLine] = []
        drops: list[Drop] = []
        beyond: list[LogLine] = []
        for record in records:
            if isinstance(record, Line):
                line = self._line(record)
                self.trouble = None
                if not self._allowance.take(line.size):
                    beyond.append(line)
                    continue
                beyond = self._left_out(beyond, drops)
                self.ring.add(line)
                lines.append(line)
            else:
                beyond = self._left_out(beyond, drops)
                self._hand_on(lines, drops)
                lines, drops = [], []
                self._other(record)
        self._left_out(beyond, drops)
        self._hand_on(lines, drops)

    def _left_out(self, lines: list[LogLine], drops: list[Drop]) -> list[LogLine]:
        """Counts lines beyond the source's rate; answers that there are none any more."""
        if lines:
            first, last = lines[0], lines[-1]
            size = sum(line.size for line in lines)
            drop = Drop(self.source.index, len(lines), size, first.ns, last.ns, "RATE_LIMIT")
            self.ring.add(Hole(drop, last.position))
            drops.append(drop)
        return []

    def _hand_on(self, lines: list[LogLine], drops: list[Drop]) -> None:
        if lines or drops:
            assert self.ring.end is not None
            self._take(self.source, lines, drops, self.ring.end)

    def _other(self, record: Gap | Fault) -> None:
        if isinstance(record, Fault):
            self._say("FAULT", "", record.message)
        else:
            gap = LogGap(self.source.index, record.after, record.until, record.reason)
            self.ring.add(gap)
            self._tell(gap)

    def _say(self, type: str, reason: str, message: str) -> None:
        """Tells of trouble, but of the same one only once until lines come again."""
        if self.trouble is None or self.trouble.message != message:
            self.trouble = LogLifecycle(type, self.source.index, reason, message, None, 0, time_ns())
            self._tell(self.trouble)

    def _line(self, record: Line) -> LogLine:
        made = made_line(record, self.source.index, self._next)
        self._next = self._next % LAST_NUMBER + 1
        return made
