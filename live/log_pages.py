"""A page of a log: the next lines behind where a reader stands, of all containers together, in order of time."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from live.log_chains import Reader, ahead
from live.log_cursor import Place
from live.log_events import LogGap
from live.log_filter import Filter
from live.log_lines import LogLine
from live.log_ring import Item
from live.log_sources import Run

PAGE_BYTES = 4 * 1024 * 1024

_Key = tuple[int, int]  # the time that lines are merged by, and when it was found


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


class _Earliest:
    """Keeps the earliest lines of all that are offered, bounded in number and size."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
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
        while self._lines > self._limit or (self._bytes > PAGE_BYTES and self._lines > 1):
            self._leave_out()
        return not part.cut

    @property
    def full(self) -> bool:
        """Whether only what is earlier than something in it can still come in."""
        return self._lines >= self._limit or self._bytes >= PAGE_BYTES

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
    """The earliest lines behind the places that pass a filter. Raises: KubeError when a container cannot be read."""
    earliest = _Earliest(limit)
    parts: dict[bytes, _Part] = {}
    for key, runs in containers.items():
        part = parts[key] = _Part(places[key])
        await _fill(part, earliest, runs, filter, reader)
    ends = {key: _end(part, places[key]) for key, part in parts.items()}
    found = sorted(
        ((order, number, item) for part in parts.values() for number, (order, item, _) in part.items.items()),
        key=lambda each: each[:2],
    )
    return Page([item for _, _, item in found], ends, not any(part.cut for part in parts.values()))


async def _fill(part: _Part, earliest: _Earliest, runs: list[Run], filter: Filter, reader: Reader) -> None:
    order = 0
    async with aclosing(ahead(runs, part.place, reader)) as steps:
        async for step in steps:
            for item in step.items:
                order = max(order, item.order)
                if isinstance(item, LogLine) and not filter.passes(item):
                    continue
                at = step.place
                place = at if isinstance(item, LogGap) else Place(at.run, at.restarts, item.position)
                if not earliest.offer(part, order, item, place):
                    return
            part.place = step.place


def _end(part: _Part, start: Place) -> Place:
    """Where the page ends in a container. A gap at the end of what is cut is found again with the line behind it."""
    if not part.cut:
        return part.place
    while part.items and isinstance(part.items[max(part.items)][1], LogGap):
        del part.items[max(part.items)]
    return part.items[max(part.items)][2] if part.items else start
