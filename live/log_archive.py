"""The past of an instance's logs in pages, read from its cluster when it is asked for; nothing is followed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from kube.errors import Invalid, NotFound
from kube.log_records import Source
from kube.pods import ContainerEvent
from live.log_chains import LATE, Reader, begun
from live.log_cursor import Place, Scope
from live.log_events import LogGap, LogHorizon, LogPage, LogSource
from live.log_filter import Filter
from live.log_lines import LogLine
from live.log_pages import Page, PastLogs, following, preceding
from live.log_sources import Run, Sources, before_present, lifecycle


class Archive(Reader, PastLogs, Protocol):
    """What pages are read from: the containers that there are now, and their logs."""

    async def now(self) -> list[ContainerEvent]: ...

    async def first(self, source: Source, *, previous: bool) -> int | None: ...


Containers = dict[bytes, list[Run]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: the lines behind one cursor's places or in front of another's; without both, the last ones of all."""

    filter: Filter
    limit: int
    before: Mapping[bytes, Place] | None = None
    after: Mapping[bytes, Place] | None = None
    horizon: bool = False


async def page(archive: Archive, scope: Scope, wanted: Wanted) -> LogPage:
    """The page, and with `horizon` how far back the logs go. Raises: KubeError when the cluster cannot be asked."""
    sources = Sources()
    for event in await archive.now():
        if event.source is not None:
            run = sources.get(event.source) or sources.note(event.source, event)
            if event.type == "WAITING":
                run.state = lifecycle("STATE", run.shown, event)
    containers = sources.containers(wanted.filter)
    if wanted.filter.previous:
        befores = {key: before_present(runs) for key, runs in containers.items()}
        containers = {key: [run] for key, run in befores.items() if run is not None}
    if wanted.after is not None:
        made, start, end, gaps = await _forward(archive, containers, wanted, wanted.after)
    else:
        made, start, end, gaps = await _back(archive, containers, wanted)
    told = [item for item in made.items if isinstance(item, LogGap)]
    return LogPage(
        tuple(item for item in made.items if isinstance(item, LogLine)),
        tuple(_shown(containers)),
        (*gaps, *told),
        scope.write(start),
        scope.write(end),
        not made.complete,
        tuple([await _horizon(archive, runs) for runs in containers.values()]) if wanted.horizon else (),
    )


_Parts = tuple[Page, Mapping[bytes, Place], Mapping[bytes, Place], list[LogGap]]


async def _forward(archive: Archive, containers: Containers, wanted: Wanted, after: Mapping[bytes, Place]) -> _Parts:
    places: dict[bytes, Place] = {}
    gaps = [
        _gone(place.at.ns if place.at else 0, 0)
        for key, place in after.items()
        if key not in containers and not place.ended
    ]
    for key, runs in containers.items():
        places[key], gap = begun(runs, after.get(key))
        gaps += [gap] if gap is not None else []
    made = await following(containers, places, wanted.filter, wanted.limit, archive)
    return made, after, made.places, gaps


async def _back(archive: Archive, containers: Containers, wanted: Wanted) -> _Parts:
    if wanted.before is None:
        places = {key: replace(runs[-1].start, ended=True) for key, runs in containers.items()}
        made, ends = await preceding(containers, places, wanted.filter, wanted.limit, archive)
        return made, made.places, ends, []
    held = {key: place for key, place in wanted.before.items() if _is_there(containers.get(key), place)}
    gaps = [
        _gone(0, place.at.ns if place.at is not None else 0) for key, place in wanted.before.items() if key not in held
    ]
    made, _ = await preceding(containers, held, wanted.filter, wanted.limit, archive)
    return made, made.places, wanted.before, gaps


def _is_there(runs: list[Run] | None, place: Place) -> bool:
    return runs is not None and any(run.start.run == place.run for run in runs)


def _gone(after: int, until: int) -> LogGap:
    """What is told of a container that is not there any more."""
    return LogGap(None, after, until, "REMOVED")


async def _horizon(archive: Archive, runs: list[Run]) -> LogHorizon:
    """How far back the log of a container goes, and why not further."""
    for run in runs:
        try:
            first = await archive.first(run.source, previous=run.past)
        except (NotFound, Invalid):
            continue
        rotated = first is not None and run.started > 0 and first > run.started + LATE
        reason = "ROTATION" if rotated else "REMOVED" if run.start.restarts else "START"
        return LogHorizon(run.shown.index, first or run.started, reason)
    return LogHorizon(runs[-1].shown.index, 0, "REMOVED")


def _shown(containers: Containers) -> list[LogSource]:
    return [run.shown for runs in containers.values() for run in runs]
