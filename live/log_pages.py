"""A page of a log: the lines behind where a reader stands, or in front of it, of all containers together, by time."""

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from kube.errors import Invalid, NotFound
from kube.log_past import Wanted, Window
from kube.log_records import Line, Source
from live.log_chains import Reader, ahead
from live.log_cursor import Place
from live.log_events import LogGap
from live.log_filter import Filter
from live.log_lines import LogLine, made_line
from live.log_ring import Item
from live.log_sources import Run

PAGE_BYTES = 4 * 1024 * 1024


class PastLog(Protocol):
    """The log of one run, read backwards: `kube.log_past.Past`."""

    def before(self, wanted: Wanted) -> AsyncGenerator[Window, None]: ...


class PastLogs(Protocol):
    """Where the past is read from."""

    def past(self, source: Source, *, previous: bool) -> PastLog: ...


@dataclass(frozen=True, slots=True)
class Page:
    """items: in order. places: where a reader stands behind them. complete: whether there was nothing more."""

    items: list[Item]
    places: dict[bytes, Place]
    complete: bool


@dataclass(slots=True)
class _Part:
    """What a page has of one container. place: behind all that was looked at; cut: whether some of that is left out."""

    place: Place
    kept: int = 0
    cut: bool = False
    items: dict[int, tuple[int, Item, Place]] = field(default_factory=dict)


class _Nearest:
    """Keeps the lines of all that are offered whose order is least, bounded in number and size."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._heap: list[tuple[int, int, _Part]] = []
        self._lines = self._bytes = self._count = 0

    def offer(self, part: _Part, order: int, item: Item, place: Place) -> bool:
        """Takes an item that comes after those offered before of its container; False when it is beyond the page."""
        if self.full and order >= -self._heap[0][0]:
            part.cut = True
            return False
        self._count += 1
        part.items[self._count] = order, item, place
        heapq.heappush(self._heap, (-order, -self._count, part))
        if isinstance(item, LogLine):
            self._lines += 1
            self._bytes += item.size
        while self._lines > self.limit or (self._bytes > PAGE_BYTES and self._lines > 1):
            self._leave_out()
        return not part.cut

    @property
    def full(self) -> bool:
        """Whether only what is earlier than something in it can still come in."""
        return self._lines >= self.limit or self._bytes >= PAGE_BYTES

    def _leave_out(self) -> None:
        _, number, part = heapq.heappop(self._heap)
        _, item, _ = part.items.pop(-number)
        part.cut = True
        if isinstance(item, LogLine):
            self._lines -= 1
            self._bytes -= item.size


def merged(chains: Iterable[Iterable[Item]]) -> list[Item]:
    """Items of several containers in order of time; those of one container keep their own order."""
    return [item for _, item in heapq.merge(*(_ordered(items) for items in chains), key=lambda each: each[0])]


def _ordered(items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
    order = 0
    for item in items:
        order = max(order, item.order)
        yield order, item


async def following(
    containers: Mapping[bytes, list[Run]], places: Mapping[bytes, Place], filter: Filter, limit: int, reader: Reader
) -> Page:
    """The first lines behind the places that pass a filter. Raises: KubeError when a container cannot be read."""
    nearest = _Nearest(limit)
    parts: dict[bytes, _Part] = {}
    for key, runs in containers.items():
        part = parts[key] = _Part(places[key])
        await _fill(part, nearest, runs, filter, reader)
    ends = {key: _end(part, places[key]) for key, part in parts.items()}
    return Page(_sorted(parts.values()), ends, not any(part.cut for part in parts.values()))


def _sorted(parts: Iterable[_Part]) -> list[Item]:
    found = [(order, number, item) for part in parts for number, (order, item, _) in part.items.items()]
    return [item for _, _, item in sorted(found, key=lambda each: each[:2])]


async def _fill(part: _Part, nearest: _Nearest, runs: list[Run], filter: Filter, reader: Reader) -> None:
    order = 0
    async with aclosing(ahead(runs, part.place, reader)) as steps:
        async for step in steps:
            for item in step.items:
                order = max(order, item.order)
                if isinstance(item, LogLine) and not filter.passes(item):
                    continue
                at = step.place
                place = at if isinstance(item, LogGap) else Place(at.run, at.restarts, item.position)
                if not nearest.offer(part, order, item, place):
                    return
            part.place = step.place


def _end(part: _Part, start: Place) -> Place:
    """Where the page ends in a container. A gap at the end of what is cut is found again with the line behind it."""
    if not part.cut:
        return part.place
    while part.items and isinstance(part.items[max(part.items)][1], LogGap):
        del part.items[max(part.items)]
    return part.items[max(part.items)][2] if part.items else start


async def preceding(
    containers: Mapping[bytes, list[Run]], places: Mapping[bytes, Place], filter: Filter, limit: int, logs: PastLogs
) -> tuple[Page, dict[bytes, Place]]:
    """The last lines in front of the places, and where they end. Raises: KubeError when a container cannot be read.

    A place that has `ended` may be that of a run that goes on: then the page ends with its last line so far.
    """
    nearest = _Nearest(limit)
    parts = {key: _Part(place) for key, place in places.items() if key in containers}
    ends = {key: await _fill_back(part, nearest, containers[key], filter, logs) for key, part in parts.items()}
    starts = {key: _end(part, ends[key]) for key, part in parts.items()}
    page = Page(_sorted(parts.values())[::-1], starts, not any(part.cut for part in parts.values()))
    return page, ends


async def _fill_back(part: _Part, nearest: _Nearest, runs: list[Run], filter: Filter, logs: PastLogs) -> Place:
    """Offers the lines in front of a place, the last ones first; answers where they end."""
    end = start = part.place
    order: int | None = None
    number = next(number for number, run in enumerate(runs) if run.start.run == start.run)
    for run in reversed(runs[: number + 1]):
        here = start if run.start.run == start.run else replace(run.start, ended=True)
        if here.at is None and not here.ended:
            continue
        wanted = Wanted(
            nearest.limit, partial(_passes, filter), None if here.ended else here.at, inclusive=not here.before
        )
        try:
            async with aclosing(logs.past(run.source, previous=run.past).before(wanted)) as windows:
                async for window in windows:
                    if here is start and here.ended:
                        end = replace(run.start, at=window.last, ended=run.past)
                    for line in reversed(window.lines):
                        order = min(order if order is not None else line.position.high, line.position.high)
                        place = replace(run.start, at=line.position, before=True)
                        if not nearest.offer(part, -order, made_line(line, run.shown.index, 0), place):
                            return end
                    if window.overflowed:
                        part.cut = True
                        return end
                    here = replace(here, ended=False)
        except (NotFound, Invalid):
            return end
        part.place = run.start
    return end


def _passes(filter: Filter, line: Line) -> bool:
    return filter.takes_all or filter.passes(made_line(line, 0, 0))
