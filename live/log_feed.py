"""The log of one container, read once however many watch it: its past, its ring of last lines, and what comes in."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic, time_ns
from typing import Protocol

import structlog

from kube.errors import KubeError
from kube.lines import LONGEST_LINE
from kube.tail import Fault, Gap, Line, Record
from live.log_events import Drop, LogGap, LogLifecycle, LogSource
from live.log_lines import LogLine, coloured

log = structlog.get_logger(__name__)

RING_LINES = 2_000
RING_BYTES = 1024 * 1024
RATE_LINES, BURST_LINES = 2_000.0, 10_000.0
"""Lines a second that one container may send in the long run, and at once; what is beyond is read and dropped."""

LAST_NUMBER = 2**31 - 1
"""The largest number that GraphQL's Int holds; the line after it has the number 1 again."""

_AGAIN = 5.0


class Upstream(Protocol):
    """What a feed reads from: `kube.tail.Tail`."""

    async def history(self, lines: int) -> list[Record]: ...

    def records(self) -> AsyncGenerator[list[Record], None]: ...


class Ring:
    """The last lines of a source, for those who come later."""

    def __init__(self) -> None:
        self.lines: deque[LogLine] = deque()
        self.whole = True
        """Whether it holds every line that the source has written."""
        self._bytes = 0

    def add(self, line: LogLine) -> None:
        """Appends a line; the oldest ones go when there are too many."""
        self.lines.append(line)
        self._bytes += line.size
        while len(self.lines) > RING_LINES or self._bytes > RING_BYTES:
            self._bytes -= self.lines.popleft().size
            self.whole = False


class Feed:
    """Runs from `start` until the source has ended or `stop`; `take` gets new lines, and `tell` everything else.

    primed: the past has been read, so that the ring can be asked for it. With `fresh`, the source is read from its
    first line and everything is new.
    """

    def __init__(
        self,
        source: LogSource,
        upstream: Upstream,
        *,
        fresh: bool,
        take: Callable[[list[LogLine], list[Drop]], None],
        tell: Callable[[LogGap | LogLifecycle], None],
        ended: Callable[["Feed"], None],
    ) -> None:
        self.source = source
        self.ring = Ring()
        self.primed = asyncio.Event()
        self.running = False
        self.waiting: list[Callable[[], None]] = []
        """Called once, when the past has been read and before anything new is."""
        self._upstream = upstream
        self._take = take
        self._tell = tell
        self._ended = ended
        self._next = 1
        self._order = 0
        self._said = ""
        self._allowance = BURST_LINES
        self._counted_at = monotonic()
        self._task: asyncio.Task[None] | None = None
        if fresh:
            self.primed.set()

    def start(self) -> None:
        self.running = True
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while not self.primed.is_set():
                await self._try(self._prime)
            while not await self._try(self._follow):
                pass
        except Exception:  # among them RuntimeError: the client was closed, and the whole group ends
            log.warning("the log of a container cannot be read any more", exc_info=True)
        finally:
            self.running = False
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
        records = await self._upstream.history(RING_LINES)
        lines = [record for record in records if isinstance(record, Line)]
        self.ring.whole = len(lines) < RING_LINES
        for line in lines:
            self.ring.add(self._line(line))
        self._now_primed()
        self._note([record for record in records if not isinstance(record, Line)])

    def _now_primed(self) -> None:
        self.primed.set()
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()

    async def _follow(self) -> None:
        async with aclosing(self._upstream.records()) as pieces:
            async for records in pieces:
                self._note(records)
                await asyncio.sleep(0)  # a busy container must not keep the others waiting

    def _note(self, records: list[Record]) -> None:
        """Hands on the records in their order."""
        lines: list[LogLine] = []
        drops: list[Drop] = []
        for record in records:
            if isinstance(record, Line):
                line = self._line(record)
                self._said = ""
                if self._allowed():
                    self.ring.add(line)
                    lines.append(line)
                else:
                    self.ring.whole = False
                    _count(drops, line)
                continue
            self._take(lines, drops)
            lines, drops = [], []
            self._other(record)
        self._take(lines, drops)

    def _other(self, record: Gap | Fault) -> None:
        if isinstance(record, Fault):
            self._say("FAULT", "", record.message)
        else:
            self._tell(LogGap(self.source.index, record.after, record.until, record.reason))

    def _say(self, type: str, reason: str, message: str) -> None:
        """Tells of trouble, but of the same one only once until lines come again."""
        if self._said != message:
            self._said = message
            self._tell(LogLifecycle(type, self.source.index, reason, message, None, 0, time_ns()))

    def _line(self, record: Line) -> LogLine:
        self._order = max(self._order, record.ns)
        made = made_line(record, self.source.index, self._next, self._order)
        self._next = self._next % LAST_NUMBER + 1
        return made

    def _allowed(self) -> bool:
        """One line of the allowance, which grows with time."""
        if self._allowance < 1:
            now = monotonic()
            self._allowance = min(BURST_LINES, self._allowance + (now - self._counted_at) * RATE_LINES)
            self._counted_at = now
            if self._allowance < 1:
                return False
        self._allowance -= 1
        return True


def made_line(record: Line, source: int, seq: int, order: int) -> LogLine:
    """The line as viewers get it; its size is what of it is kept."""
    size = min(record.size, LONGEST_LINE)
    return LogLine(seq, record.ns, source, coloured(record.message), size, record.truncated, order)


def _count(drops: list[Drop], line: LogLine) -> None:
    if drops:
        [known] = drops
        drops[0] = Drop(line.source, known.count + 1, known.first_ns, line.ns, "RATE_LIMIT")
    else:
        drops.append(Drop(line.source, 1, line.ns, line.ns, "RATE_LIMIT"))
