"""The log of one run of a container, read backwards.

A node cannot seek in a log: it gives the last lines, or all from a second on, and reads the file from its start to find
them. So the past is read in windows that end at a known line and grow until enough was found: a page costs the reading
of the lines in it, of those that were passed by, and a scan of the file (10 MiB as a rule) by the node for each window.
"""

import zlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from kube import errors
from kube.clients import READ_TIMEOUT, Cluster, Query
from kube.lines import Assembler, is_fault, parse_time, split_stamp, text
from kube.log_records import SECOND, Line, Ordinals, Position, Source, made, pieces, since
from kube.resources import POD

_FIRST, _GROWTH, _LAST = 10, 16, 10_000  # seconds that the windows reach back, until one has no beginning
_SPARE = 64
_MOST_BYTES = 4 * 1024 * 1024
_STAMP_BYTES = 64


@dataclass(slots=True)
class Window:
    """Lines before a place, in order. start, last: the places of the first and the last line that were looked at for
    it, None where there was none.

    whole: whether there is nothing before them. overflowed: whether there were more that pass, so many that the first
    ones were let go of.
    """

    lines: deque[Line] = field(default_factory=deque)
    start: Position | None = None
    last: Position | None = None
    whole: bool = False
    overflowed: bool = False
    _bytes: int = 0

    def add(self, line: Line, limit: int) -> None:
        """Keeps a line, and only the last ones of all."""
        self.lines.append(line)
        self._bytes += line.size
        while len(self.lines) > limit or (self._bytes > _MOST_BYTES and len(self.lines) > 1):
            self._bytes -= self.lines.popleft().size
            self.overflowed = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines before a place: the last `limit` that pass. end: they end in front of its line, or with it."""

    limit: int
    passes: Callable[[Line], bool]
    end: Position | None = None
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """One run's past. previous: whether another run has taken its place."""

    cluster: Cluster
    source: Source
    previous: bool

    async def first(self) -> int | None:
        """The time of the first line that the node still has; None when it has none. Raises: KubeError."""
        async with aclosing(self._pieces({"limitBytes": _STAMP_BYTES}, rest=True)) as read:
            async for lines in read:
                for line in lines:
                    try:
                        return parse_time(line.partition(b" ")[0])
                    except ValueError:
                        continue
        return None

    async def newest(self) -> Position | None:
        """The place of the last line, whose ordinal is not known; None without one. Raises: KubeError."""
        found: Position | None = None
        async with aclosing(self._lines({"tailLines": 1})) as lines:
            async for line in lines:
                found = line.position
        return found

    async def before(self, wanted: Wanted) -> AsyncGenerator[Window, None]:
        """Windows of lines, each before the one that was given before it; the last one is whole or has overflowed.

        Raises: NotFound and Invalid where the log is gone, KubeError.
        """
        window = Window()
        if wanted.end is None:
            window = await self._last(wanted)
            yield window
        reach = _FIRST
        while not (window.whole or window.overflowed):
            if window.start is not None:
                wanted = replace(wanted, end=window.start, inclusive=False)
            window = await self._ending(wanted, reach if wanted.end is not None and reach < _LAST else None)
            reach *= _GROWTH
            if window.start is not None or window.whole:
                yield window

    async def _last(self, wanted: Wanted) -> Window:
        """The last lines of all. It may begin within a line and among lines of one time, which are then left out."""
        window, head, chunks, last = Window(), list[Line](), 0, None
        asked = wanted.limit + _SPARE
        async with aclosing(self._lines({"tailLines": asked})) as lines:
            async for line in lines:
                chunks += pieces(line)
                last = line.position
                if window.start is None and (not head or line.ns == head[0].ns):
                    head.append(line)
                    continue
                window.start = window.start or line.position
                if wanted.passes(line):
                    window.add(line, wanted.limit)
        window.whole = chunks < asked
        if window.whole:
            both, window = [*head, *window.lines], Window(whole=True, overflowed=window.overflowed)
            for line in both:
                if wanted.passes(line):
                    window.add(line, wanted.limit)
        window.last = last
        return window

    async def _ending(self, wanted: Wanted, reach: int | None) -> Window:
        """The lines before a place that are not more than so many seconds older, or all of them.

        The first second is left to the next window: the two outputs of a container may be a little out of order.
        Where the place is not found it is gone, and all that was before it.
        """
        window, end = Window(), wanted.end
        first = end.ns - reach * SECOND if end is not None and reach is not None else None
        query: Query = {"sinceTime": since(first)} if first is not None else {}
        async with aclosing(self._lines(query)) as lines:
            async for line in lines:
                found = end is not None and line.position == end
                if found and not wanted.inclusive:
                    break
                if end is not None and line.ns > end.high:
                    return Window(whole=True)
                if first is None or line.ns >= first + SECOND:
                    window.start = window.start or line.position
                    if wanted.passes(line):
                        window.add(line, wanted.limit)
                if found:
                    break
            else:
                if end is not None:
                    return Window(whole=True)
        window.whole = first is None
        return window

    async def _lines(self, query: Query) -> AsyncGenerator[Line, None]:
        """The lines of one reading, with their places. Raises: ServerFault for what the node says instead."""
        ordinals, high, at = Ordinals(), 0, 0
        async with aclosing(self._pieces(query)) as read:
            async for piece in read:
                for raw in piece:
                    stamped = split_stamp(raw)
                    if stamped is None and (is_fault(raw) or not (at or "sinceTime" in query)):
                        raise errors.ServerFault(text(raw)[0])
                    if stamped is None and not at:
                        continue  # the rest of a line that began before
                    at, message = stamped or (at, raw)
                    high = max(high, at)
                    place = Position(at, ordinals.next(at), zlib.crc32(raw), high)
                    yield made(place, raw, message, stamped is None)

    async def _pieces(self, query: Query, *, rest: bool = False) -> AsyncGenerator[list[bytes], None]:
        """The raw lines of one reading. rest: whether one without its end counts."""
        whole: Query = {
            "container": self.source.container,
            "timestamps": True,
            "previous": self.previous,
            **query,
        }
        assembler = Assembler()
        path = POD.path(self.source.namespace, self.source.pod, "log")
        async with self.cluster.stream(path, query=whole, silence=READ_TIMEOUT) as response:
            while piece := await response.content.readany():
                yield assembler.feed(piece)
            if rest or self.previous:
                yield assembler.finish()
