"""The log of one container, followed through broken connections: nothing twice, nothing lost without a mark."""

import random
import time
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from kube import errors
from kube.clients import Cluster, Query
from kube.lines import Assembler, is_fault, split_stamp, text
from kube.log_bulk import Bulk, bulk
from kube.log_past import Past
from kube.log_recent import Key, Recent
from kube.log_records import SECOND, Fault, Gap, Line, Ordinals, Position, Record, Source, Standing, made, pieces, since
from kube.log_streams import reading

_BACKOFF_FIRST, _BACKOFF_MOST = 0.2, 5.0
_SHORT = 1.0  # a connection that lived for less is not opened again at once
_STALE_MOST = 5.0  # seconds of nothing but old lines, after which the node's clock is taken to have been set back
_SPARE = 64  # lines asked for beyond those that are wanted, for the first ones may be cut
_TAIL_MOST = 100_000


@dataclass(frozen=True, slots=True)
class History:
    """Lines as they were at one moment. whole: whether these are all that the node has."""

    records: list[Record]
    whole: bool


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
        after: Position | None = None,
        inclusive: bool = False,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins behind the line of a position, or with that line (`inclusive`), else at the container's first line."""
        self.source = source
        self._cluster = cluster
        self._standing = standing
        self._search = after  # the line that the first connection looks for; None once it was found
        self._inclusive = inclusive
        self._sleep = sleep  # instead of a pause that ends when the cluster is back
        self._clock = clock
        self._complete = False  # whether the last connection was read to its end, and none has failed since
        self._high = 0  # the latest time of all
        self._forget()
        self._replay: Counter[Key] | None = None
        self._ordinals = Ordinals()
        self._resumed = 0  # the second that this connection was resumed in
        self._anchored = True  # whether the connection has shown a line that was seen before it
        self._at = 0  # the time of the line before, in this connection
        self._stale_since: float | None = None
        self._doubted: Position | None = None  # the line that the node last had later than all that came

    def _forget(self) -> None:
        self._floor = 0  # the time of the first line: a resumed second may hold lines from before it
        self._last = 0  # the latest time seen, since the clock was set back
        self._recent = Recent()

    async def records(self) -> AsyncGenerator[list[Record], None]:
        """Records as they come, those of one piece of the stream together, until the source has ended."""
        backoff = _BACKOFF_FIRST
        while (standing := self._standing()) != "GONE":
            well, failed, asking, opened = False, False, False, time.monotonic()
            try:
                async with aclosing(self._connection(standing)) as connection:
                    async for records in connection:
                        if records:
                            failed = isinstance(records[-1], Fault)
                            well = well or not all(isinstance(record, Fault) for record in records)
                            yield records
                self._complete = not failed
            except (errors.NotFound, errors.Invalid):
                if standing != "RUNNING":  # else it has not started yet, or the watch has yet to tell that it is gone
                    break
            except (errors.Unauthorized, errors.Forbidden):
                raise
            except errors.KubeError as error:
                asking = isinstance(error, errors.Unreachable | errors.ServerFault)
                standing, self._complete = "RUNNING", False  # what was left could not be read to its end: once more
            if standing != "RUNNING":
                break
            if well and time.monotonic() - opened > _SHORT:
                backoff = _BACKOFF_FIRST
                continue
            backoff = _BACKOFF_FIRST if well else min(backoff * 2, _BACKOFF_MOST)
            await self._pause(backoff * random.uniform(0.5, 1), asking=asking)
        if self._search is not None and self._complete:
            yield [Gap(self._search.ns, 0, "ROTATION")]
        elif not self._complete:
            yield [Gap(self._last, 0, "REMOVED")]

    async def history(self, lines: int) -> History:
        """The last `lines` as they are now, in one read; `records` then goes on exactly behind them.

        Empty when there is nothing to be read (yet, or any more). Raises KubeError when the cluster cannot be asked.
        A reading that begins somewhere in the log may begin within a line, and within the lines of one time, whose
        ordinals it then cannot tell: its first time is left out.
        """
        asked = lines + _SPARE
        while True:
            self._forget()
            found: list[Record] = []
            chunks = 0
            try:
                query: Query = {"tailLines": asked}
                async with aclosing(self._connection(self._standing(), follow=False, first=query)) as connection:
                    async for records in connection:
                        found += records
                        chunks += sum(pieces(each) for each in records if isinstance(each, Line))
            except (errors.NotFound, errors.Invalid):
                pass
            whole = chunks < asked
            kept = found if whole or asked > _TAIL_MOST else _beyond_first_time(found)
            if whole or asked > _TAIL_MOST or sum(isinstance(each, Line) for each in kept) >= lines:
                self._begin_with(kept)
                return History(kept[max(0, len(kept) - lines) :], whole and len(kept) <= lines)
            asked *= 8

    async def rest(self) -> AsyncGenerator[list[Record], None]:
        """What there is behind the beginning now, without following: one reading, which ends.

        Raises: NotFound or Invalid where the log is gone, KubeError when the cluster cannot be asked.
        """
        async with aclosing(self._connection(self._standing(), follow=False)) as connection:
            async for records in connection:
                if records:
                    yield records
        if self._search is not None:
            yield [Gap(self._search.ns, 0, "ROTATION")]

    def _begin_with(self, kept: list[Record]) -> None:
        first = next((each for each in kept if isinstance(each, Line)), None)
        self._floor = first.ns if first is not None else 0

    async def _connection(
        self, standing: Standing, *, follow: bool = True, first: Query | None = None
    ) -> AsyncGenerator[list[Record], None]:
        query: dict[str, str | int | bool] = {
            "container": self.source.container,
            "timestamps": True,
            "follow": follow and standing == "RUNNING",
            "previous": standing == "REPLACED",
            **(first or {}),
        }
        if self._search is not None:
            self._forget()
            query["sinceTime"] = since(self._search.ns - SECOND)
        elif self._last:
            query["sinceTime"] = since(self._recent.begin * SECOND)
        self._replay = self._recent.counted() if self._last else None
        self._resumed, self._stale_since = self._recent.second, None
        self._anchored = not self._replay
        self._ordinals, self._at = Ordinals(), 0
        assembler = Assembler()
        async with reading(self._cluster, self.source, query, self._is_behind_node) as read:
            while piece := await read():
                yield self._take(assembler.feed(piece))
            if not query["follow"]:  # else the rest comes whole when the line is read again
                yield self._take(assembler.finish(), partial=True)

    async def _is_behind_node(self) -> bool:
        """Whether the node has a line that is later than all that came. Raises: KubeError."""
        newest = await Past(self._cluster, self.source, previous=False).newest()
        if newest is None or newest == self._doubted:
            return False
        self._doubted = newest  # where it comes to nothing, it is no reason a second time
        key = newest.ns, newest.crc
        return newest.ns > self._high or (newest.ns == self._high and not self._recent.has(key))

    async def _pause(self, seconds: float, *, asking: bool) -> None:
        if self._sleep is not None:
            await self._sleep(seconds)
        else:
            await self._cluster.pace.pause(seconds, asking=asking)

    def _take(self, lines: list[bytes], *, partial: bool = False) -> list[Record]:
        if self._goes_on and not partial and (found := bulk(lines)) is not None and found.times[0] >= self._high:
            return self._in_order(found)
        records: list[Record] = []
        for line in lines:
            stamped = split_stamp(line)
            if stamped is not None:
                self._stamped(line, stamped[0], stamped[1], partial, records)
            elif is_fault(line) or not (self._at or self._replay or self._search):
                records.append(Fault(text(line)[0]))
            elif self._at and line:
                self._stamped(line, self._at, line, True, records)  # a piece of the line before
            # else it is the rest of a line that was sent whole before
        return records

    @property
    def _goes_on(self) -> bool:
        """Whether what comes is new, unless it is earlier than what came."""
        return self._anchored and self._replay is None and self._search is None and self._stale_since is None

    def _in_order(self, found: Bulk) -> list[Record]:
        """What `_stamped` makes of lines of which none is earlier than any before, all at once."""
        times = found.times
        self._recent.add_all(times, found.crcs)
        self._floor = self._floor or times[0]
        self._at = self._last = self._high = times[-1]
        return found.lines(self._ordinals)

    def _stamped(self, line: bytes, ns: int, message: bytes, partial: bool, records: list[Record]) -> None:
        position = Position(ns, self._ordinals.next(ns), zlib.crc32(line), ns if ns > self._high else self._high)
        key = ns, position.crc
        self._at = ns
        if self._search is not None and not self._is_behind(self._search, position, records):
            self._remember(key)
            return
        if self._replay is not None:
            if self._replay.get(key, 0) > 0:
                self._replay[key] -= 1
                self._anchored = True
                return
            if ns < self._floor or (not self._anchored and self._last < ns <= self._high):
                return  # from before the first line, or from before the clock was set back
        if ns <= self._last and self._is_stale(key):
            self._ordinals.undo(ns)
            if not self._is_clock_step():
                return
            records.append(Gap(self._last, ns, "CLOCK_STEP"))
            self._ordinals.next(ns)
            self._forget()
            self._floor, self._anchored = ns, True
        elif not self._anchored:
            # Nothing of what was asked for again is there any more: the file is another one.
            records.append(Gap(self._last, ns, "ROTATION"))
            self._anchored = True
        self._stale_since = None
        self._remember(key)
        records.append(made(position, line, message, partial))

    def _is_behind(self, wanted: Position, found: Position, records: list[Record]) -> bool:
        """Whether the line is behind the beginning that is looked for."""
        if found == wanted:
            self._search = None
            return self._inclusive
        if found.ns > wanted.high:  # no line before it is so late: it is not there any more
            records.append(Gap(wanted.ns, found.ns, "ROTATION"))
            self._search = None
            return True
        return False

    def _is_stale(self, key: Key) -> bool:
        """Whether the node is reading old lines a second time, as some do after many rotations.

        The two outputs of a container may come out of order by a little, so that a late line is new unless it was seen.
        """
        ns = key[0]
        if ns // SECOND < self._recent.second - 1:
            return True
        return (ns < self._last or self._stale_since is not None) and self._recent.has(key)

    def _is_clock_step(self) -> bool:
        """Old lines are dropped, unless nothing else comes for a while: then the node's clock was set back."""
        now = self._clock()
        if self._stale_since is None:
            self._stale_since = now
        return now - self._stale_since > _STALE_MOST

    def _remember(self, key: Key) -> None:
        self._recent.add(key)
        if self._recent.second > self._resumed:
            self._replay = None
        ns = key[0]
        self._floor = self._floor or ns
        if ns > self._last:
            self._last = ns
        if ns > self._high:
            self._high = ns


def _beyond_first_time(records: list[Record]) -> list[Record]:
    """The records without the lines that share the first one's time."""
    first = next((each.ns for each in records if isinstance(each, Line)), 0)
    return [each for each in records if not isinstance(each, Line) or each.ns != first]
