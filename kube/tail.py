"""The log of one container, followed through broken connections: nothing twice, nothing lost without a mark."""

import asyncio
import random
import time
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from kube import errors
from kube.clients import Cluster, Query
from kube.lines import Assembler, RawLine, is_fault, split_stamp, text
from kube.resources import POD

SECOND = 10**9
SILENCE = 60.0  # a stream without a byte for so long is opened anew: some kubelets go quiet at a rotation
_BACKOFF_FIRST, _BACKOFF_MOST = 0.2, 5.0
_SEEN_MOST = 64 * 1024
_STALE_MOST = 5.0  # seconds of nothing but old lines, after which the node's clock is taken to have been set back

_Key = tuple[int, int]  # a time, and a checksum of the whole line

Standing = Literal["RUNNING", "ENDED", "REPLACED", "GONE"]


@dataclass(frozen=True, slots=True)
class Source:
    """One run of one container. A pod's name alone is never a key: stateful sets use it again."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    container_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the container. ns: since the epoch; many lines may share one. size: in bytes, before it was cut."""

    ns: int
    message: str
    size: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines may be missing between these times: the file was rotated or the node's clock set back meanwhile."""

    after: int
    until: int
    reason: Literal["ROTATION", "CLOCK_STEP"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What the node said instead of a line, for instance that it has too many open files."""

    message: str


Record = Line | Gap | Fault


class Tail:
    """Follows one source. `standing` tells how the container is by now; the caller watches the pods anyway.

    RUNNING: resume whatever ends. ENDED: read what is left, once. REPLACED: the same, from the run before the present
    one. GONE: there is nothing left to read.
    """

    def __init__(
        self,
        cluster: Cluster,
        source: Source,
        standing: Callable[[], Standing],
        *,
        lines: int | None = None,
        since: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with the last `lines`, or at `since` (nanoseconds), or at the container's first line."""
        self.source = source
        self._cluster = cluster
        self._standing = standing
        self._first: Query = {} if lines is None else {"tailLines": lines}
        if since is not None:
            self._first = {"sinceTime": _rfc3339(since)}
        self._sleep = sleep
        self._clock = clock
        self._floor = 0  # the time of the first line: a resumed second may hold lines from before it
        self._last = 0  # the latest time seen
        self._second = 0  # the second that `_seen` is about; `_before` is about the one before it
        self._seen: Counter[_Key] = Counter()
        self._before: Counter[_Key] = Counter()
        self._replay: Counter[_Key] | None = None
        self._resumed = 0  # the second that this connection was resumed in
        self._anchored = True  # whether the connection has shown a line that was seen before it
        self._begun = False  # whether the connection has shown any line
        self._stale_since: float | None = None

    async def records(self) -> AsyncGenerator[list[Record], None]:
        """Records as they come, those of one piece of the stream together, until the source has ended."""
        backoff = _BACKOFF_FIRST
        while True:
            standing = self._standing()
            if standing == "GONE":
                return
            well = False
            try:
                async with aclosing(self._connection(standing)) as connection:
                    async for records in connection:
                        well = not any(isinstance(record, Fault) for record in records)
                        if records:
                            yield records
            except (errors.NotFound, errors.Invalid):
                if standing != "RUNNING":  # else it has not started yet, or the watch has yet to tell that it is gone
                    return
            except (errors.Unauthorized, errors.Forbidden):
                raise
            except errors.KubeError:
                standing = "RUNNING"  # what was left could not be read to its end: once more
            if standing != "RUNNING":
                return
            backoff = _BACKOFF_FIRST if well else min(backoff * 2, _BACKOFF_MOST)
            await self._sleep(backoff * random.uniform(0.5, 1))

    async def history(self, lines: int) -> list[Record]:
        """The last `lines` as they are now, in one read; `records` then goes on exactly behind them.

        Empty when there is nothing to be read (yet, or any more). Raises KubeError when the cluster cannot be asked.
        """
        found: list[Record] = []
        self._first = {"tailLines": lines}
        try:
            async with aclosing(self._connection(self._standing(), follow=False)) as connection:
                async for records in connection:
                    found += records
        except (errors.NotFound, errors.Invalid):
            pass
        return found

    async def _connection(self, standing: Standing, *, follow: bool = True) -> AsyncGenerator[list[Record], None]:
        query: dict[str, str | int | bool] = {
            "container": self.source.container,
            "timestamps": True,
            "follow": follow and standing == "RUNNING",
            "previous": standing == "REPLACED",
        }
        resumed = self._second - 1 if self._before else self._second
        query |= {"sinceTime": _rfc3339(resumed * SECOND)} if self._last else self._first
        self._replay = self._before + self._seen if self._last else None
        self._resumed, self._begun, self._stale_since = self._second, False, None
        self._anchored = not self._replay
        assembler = Assembler()
        path = POD.path(self.source.namespace, self.source.pod, "log")
        async with self._cluster.stream(path, query=query, silence=SILENCE) as response:
            while piece := await response.content.readany():
                yield self._take(assembler.feed(piece))
            if standing != "RUNNING":  # else the rest comes whole when the line is read again
                yield self._take(assembler.finish())

    def _take(self, lines: list[RawLine]) -> list[Record]:
        records: list[Record] = []
        for line in lines:
            stamped = split_stamp(line.data)
            if stamped is None:
                self._unstamped(line, records)
            else:
                self._stamped(line, stamped[0], stamped[1], records)
        return records

    def _unstamped(self, line: RawLine, records: list[Record]) -> None:
        """The rest of a line that was sent whole before, an error text, or a piece of the line before."""
        headless, self._begun = self._replay is not None and not self._begun, True
        if is_fault(line.data):
            records.append(Fault(text(line.data)))
        elif not headless and line.data:
            records.append(self._line(self._last, line, line.data))

    def _stamped(self, line: RawLine, ns: int, message: bytes, records: list[Record]) -> None:
        self._begun = True
        key, second = (ns, zlib.crc32(line.data)), ns // SECOND
        if self._replay is not None:
            if self._replay.get(key, 0) > 0:
                self._replay[key] -= 1
                self._anchored = True
                return
            if ns < self._floor:
                return
        if self._is_stale(key, ns, second):
            if not self._is_clock_step():
                return
            records.append(Gap(self._last, ns, "CLOCK_STEP"))
            self._last = self._second = self._floor = 0
            self._anchored = True
        elif not self._anchored:
            # Nothing of what was asked for again is there any more: the file is another one.
            records.append(Gap(self._last, ns, "ROTATION"))
            self._anchored = True
        self._stale_since = None
        self._remember(key, ns, second)
        records.append(self._line(ns, line, message))

    def _is_stale(self, key: _Key, ns: int, second: int) -> bool:
        """Whether the node is reading old lines a second time, as some do after many rotations.

        The two outputs of a container may come out of order by a little, so that a late line is new unless it was seen.
        """
        if second < self._second - 1:
            return True
        seen = self._seen if second == self._second else self._before
        return (ns < self._last or (ns == self._last and self._stale_since is not None)) and key in seen

    def _is_clock_step(self) -> bool:
        """Old lines are dropped, unless nothing else comes for a while: then the node's clock was set back."""
        now = self._clock()
        if self._stale_since is None:
            self._stale_since = now
        return now - self._stale_since > _STALE_MOST

    def _remember(self, key: _Key, ns: int, second: int) -> None:
        if second > self._second:
            self._before = self._seen if second == self._second + 1 else Counter()
            self._seen, self._second = Counter(), second
            if second > self._resumed:
                self._replay = None
        kept = self._seen if second == self._second else self._before
        if len(kept) < _SEEN_MOST:
            kept[key] += 1
        self._floor = self._floor or ns
        self._last = max(self._last, ns)

    def _line(self, ns: int, line: RawLine, message: bytes) -> Line:
        return Line(ns, text(message), line.size - (len(line.data) - len(message)), line.size > len(line.data))


def _rfc3339(ns: int) -> str:
    """Whole seconds: the API server drops the rest before it asks the kubelet."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // SECOND))
