"""The log of one container as one chain of runs, read from any place of it: from the ring where that holds it all, else
from the cluster."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from kube.errors import Invalid, NotFound, ServerFault
from kube.log_records import Gap, Line, Position, Record, Source
from live.log_cursor import Place
from live.log_events import LogGap
from live.log_lines import made_line
from live.log_ring import Item
from live.log_sources import Run

LATE = 3 * 10**9
"""Nanoseconds after a container's start by which its first line was expected: where it is later, and nobody has read
since the start, the node may have begun a new file meanwhile."""


class Reader(Protocol):
    """What a chain is read from: what a run's log has behind a line now, without following it."""

    def rest(
        self, source: Source, after: Position | None, *, inclusive: bool, previous: bool
    ) -> AsyncGenerator[list[Record], None]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """Items of a chain, and where a reader stands behind them."""

    items: list[Item]
    place: Place


def begun(runs: list[Run], entry: Place | None) -> tuple[Place, LogGap | None]:
    """Where a cursor's entry stands in the runs that there are, and what it lacks.

    A run that began and went while nobody read is known to be missing by the number of restarts.
    """
    if entry is None:
        return runs[0].start, None
    if any(run.start.run == entry.run for run in runs):
        return entry, None
    newer = [run for run in runs if run.start.restarts > entry.restarts]
    complete = entry.ended and bool(newer) and newer[0].start.restarts == entry.restarts + 1
    gap = None if complete else LogGap((newer or runs)[0].shown.index, entry.at.ns if entry.at else 0, 0, "REMOVED")
    return (newer[0].start if newer else replace(runs[-1].start, ended=True)), gap


def left(runs: list[Run], place: Place) -> Iterator[tuple[Run, Place]]:
    """The runs that a place has before it, each with where to begin in it."""
    at = next((number for number, run in enumerate(runs) if run.start.run == place.run), None)
    for number, run in enumerate(runs):
        if number == at and not place.ended:
            yield run, place
        elif at is None or number > at:
            yield run, run.start


def held(runs: list[Run], place: Place) -> list[Item] | None:
    """All that is left, when the rings hold it and what comes next comes by itself; else None."""
    found: list[Item] = []
    for run, start in left(runs, place):
        part = _in_ring(run, start)
        if part is None:
            return None
        found += part
    return found


async def ahead(runs: list[Run], place: Place, reader: Reader) -> AsyncGenerator[Step, None]:
    """What a place has before it, as it is now, to the end. Raises: KubeError when the cluster cannot be asked."""
    for run, start in left(runs, place):
        part = _in_ring(run, start)
        if part is not None:
            yield _step(run, start, part)
            continue
        async with aclosing(_read(run, start, runs[-1], reader)) as steps:
            async for step in steps:
                yield step


def _in_ring(run: Run, start: Place) -> list[Item] | None:
    """What the run's ring has behind a place of it; None when not all of that is there."""
    if run.feed is None or not run.feed.primed.is_set():
        return None
    found = run.feed.ring.after(start)
    if found is None:
        return None
    first = next((item.position.ns for item in found if not isinstance(item, LogGap)), 0)
    late = not run.feed.ring.from_start and _is_late(run, start, first)
    return [LogGap(run.shown.index, 0, first, "ROTATION"), *found] if late else found


def _is_late(run: Run, start: Place, ns: int) -> bool:
    """Whether the first line that there is of a run need not be the first that there was."""
    return start.at is None and run.started > 0 and ns > run.started + LATE


async def _read(run: Run, start: Place, newest: Run, reader: Reader) -> AsyncGenerator[Step, None]:
    at, index = start.at, run.shown.index
    previous = run.past
    try:
        if run.gone or newest.start.restarts - run.start.restarts > 1:
            raise NotFound("The container is gone.")
        rest = reader.rest(run.source, at, inclusive=start.before, previous=previous)
        async with aclosing(rest) as pieces:
            async for records in pieces:
                items: list[Item] = []
                for record in records:
                    if isinstance(record, Line):
                        if _is_late(run, start, record.ns) and not items:
                            items.append(LogGap(index, 0, record.ns, "ROTATION"))
                        items.append(made_line(record, index, 0))
                    elif isinstance(record, Gap):
                        items.append(LogGap(index, record.after, record.until, record.reason))
                    else:
                        raise ServerFault(record.message)
                yield (step := _step(run, start, items))
                start = step.place
        if previous:
            yield Step([], replace(start, ended=True))
    except (NotFound, Invalid):
        kept = [item for item in run.feed.ring.items if at is None or item.order > at.high] if run.feed else []
        until = next((item.position.ns for item in kept if not isinstance(item, LogGap)), 0)
        step = _step(run, start, [LogGap(index, at.ns if at is not None else 0, until, "REMOVED"), *kept])
        yield Step(step.items, replace(step.place, ended=True))


def _step(run: Run, start: Place, items: list[Item]) -> Step:
    """Items and the place behind them; behind a gap that nothing followed, it is known that its line is gone."""
    ends = [item.position for item in items if not isinstance(item, LogGap)]
    at = ends[-1] if ends else start.at
    if items and not ends and at is not None:
        at = replace(at, ordinal=0)
    return Step(items, Place(start.run, start.restarts, at, start.before and not items))
