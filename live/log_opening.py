"""How a stream begins: with the last lines, or behind a cursor; and how it gets from there to what comes in."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

from kube.errors import KubeError
from kube.log_records import Source
from kube.pods import ContainerEvent
from live.log_chains import Reader, begun, held
from live.log_cursor import Place
from live.log_delivery import Delivery, introduced, known
from live.log_events import Drop, LogBatch, LogEnd, LogEvent, LogGap
from live.log_feed import Feed, Upstream
from live.log_history import joined, last, older, run_before
from live.log_lines import LogLine
from live.log_pages import following, merged
from live.log_ring import Hole, Item
from live.log_sources import Run, Sources, before_present, lifecycle
from live.log_viewer import Viewer
from settings import settings

_BATCH = 500
_PAGE = 2_000
_PAUSE_FIRST, _PAUSE_MOST = 0.2, 5.0


class Logs(Reader, Protocol):
    """What the logs of an instance are read from."""

    def tail(self, source: Source) -> Upstream: ...

    def before(self, source: Source) -> Upstream: ...


class Opening:
    """synced: set when all that runs is known. logs: what to read from, once it is."""

    def __init__(
        self,
        sources: Sources,
        delivery: Delivery,
        synced: asyncio.Event,
        logs: Callable[[], Logs],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._sources = sources
        self._delivery = delivery
        self._synced = synced
        self._logs = logs
        self._spawn = spawn

    def waiting(self, run: Run) -> list[Callable[[], None]]:
        """What is to be called when the past of a run was read, whose viewers have begun without it."""
        viewers = [viewer for viewer in self._delivery.viewers if viewer.begun and viewer.filter.wants(run.shown)]
        calls: list[Callable[[], None]] = []
        for viewer in viewers:
            viewer.pending[run.key] = None
            calls.append(partial(self._late, viewer, run))
        return calls

    async def begin(self, viewer: Viewer) -> None:
        """Waits a moment for the past of what is wanted, then hands over the past and whatever comes, without a seam.

        A source whose past is not there in time follows when it is.
        """
        read: dict[int, list[LogLine]] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(settings().log_opening):
                await self._synced.wait()
                feeds = [(run, run.feed) for run in self._sources.shown(viewer.filter) if run.feed is not None]
                await asyncio.gather(*(feed.primed.wait() for _, feed in feeds))
                found = await asyncio.gather(
                    *(older(feed, self._logs().tail(run.source), viewer.tail) for run, feed in feeds)
                )
                read = {run.shown.index: lines for (run, _), lines in zip(feeds, found, strict=True)}
        self._delivery.flush()  # what is in the rings goes to the others now, so that nothing comes to this one twice
        runs = self._sources.shown(viewer.filter)
        pasts: list[list[Item]] = []
        for run in runs:
            if run.feed is not None and run.feed.primed.is_set():
                pasts.append(joined(read.get(run.shown.index, []), run.feed.ring.items))
            elif run.feed is not None:
                viewer.pending[run.key] = None
                run.feed.waiting.append(partial(self._late, viewer, run))
        viewer.begun = True
        states = self._sources.states(viewer.filter)
        viewer.give(
            [introduced(viewer, runs), *self._past(viewer, last(merged(pasts), viewer.filter, viewer.tail)), *states]
        )

    async def resume(self, viewer: Viewer, places: Mapping[bytes, Place]) -> None:
        """Goes on behind the places: what was missed is read, as far as it can be had, and then it gets what comes."""
        await self._synced.wait()
        containers = self._sources.containers(viewer.filter)
        with suppress(TimeoutError):
            async with asyncio.timeout(settings().log_opening):
                await asyncio.gather(*(feed.primed.wait() for feed in _feeds(containers.values())))
        self._delivery.flush()
        containers = self._sources.containers(viewer.filter)
        gaps = [
            LogGap(None, place.at.ns if place.at is not None else 0, 0, "REMOVED")
            for key, place in places.items()
            if key not in containers and not place.ended
        ]
        for key, runs in containers.items():
            viewer.pending[key], gap = begun(runs, places.get(key))
            gaps += [gap] if gap is not None else []
        viewer.begun = True
        states = self._sources.states(viewer.filter)
        viewer.give([introduced(viewer, self._sources.shown(viewer.filter)), *self._told(viewer, gaps), *states])
        ready = {key for key, runs in containers.items() if all(feed.primed.is_set() for feed in _feeds([runs]))}
        for key in containers.keys() - ready:
            unread = next(feed for feed in _feeds([containers[key]]) if not feed.primed.is_set())
            unread.waiting.append(partial(self._then_catch_up, viewer, key))
        await self._catch_up(viewer, ready)

    async def look_back(self, viewer: Viewer, places: Mapping[bytes, Place] | None) -> None:
        """Hands over the runs before the present ones, their last lines or what is behind the places, and the end."""
        await self._synced.wait()
        found = self._sources.containers(viewer.filter)
        runs = {key: [before] for key, runs in found.items() if (before := before_present(runs)) is not None}
        try:
            if places is None:
                await self._last_of_before(viewer, runs)
            else:
                await self._rest_of_before(viewer, runs, places)
        except KubeError as problem:
            viewer.end(LogEnd("INTERRUPTED", True, problem.message))
        viewer.end(LogEnd("COMPLETED", False))

    async def _last_of_before(self, viewer: Viewer, runs: Mapping[bytes, list[Run]]) -> None:
        chosen = [run for each in runs.values() for run in each]
        logs = self._logs()
        found = await asyncio.gather(*(run_before(run.shown, logs.before(run.source), viewer.tail) for run in chosen))
        items = last(merged(found), viewer.filter, viewer.tail)
        viewer.give([introduced(viewer, chosen), *self._past(viewer, items)])

    async def _rest_of_before(
        self, viewer: Viewer, runs: Mapping[bytes, list[Run]], places: Mapping[bytes, Place]
    ) -> None:
        viewer.give([introduced(viewer, [run for each in runs.values() for run in each])])
        for key, each in runs.items():
            viewer.pending[key], gap = begun(each, places.get(key))
            viewer.give(self._told(viewer, [gap] if gap is not None else []))
        complete = False
        while not complete:
            page = await following(runs, known(viewer.pending), viewer.filter, _PAGE, self._logs())
            viewer.give(self._told(viewer, page.items))
            viewer.pending |= page.places
            complete = page.complete
            await viewer.taken()

    def _then_catch_up(self, viewer: Viewer, key: bytes) -> None:
        self._spawn(self._catch_up(viewer, {key}))

    async def _catch_up(self, viewer: Viewer, keys: set[bytes]) -> None:
        """Reads what containers have before what comes in, until the rings hold it; then they are no more pending."""
        pause, troubled = _PAUSE_FIRST, False
        while viewer in self._delivery.viewers:
            self._delivery.flush()
            containers = self._sources.containers(viewer.filter)
            viewer.give(self._forgotten(viewer, keys - containers.keys()))
            keys &= containers.keys()
            places = {key: place for key in keys if (place := viewer.pending[key]) is not None}
            rests = {key: held(containers[key], place) for key, place in places.items()}
            if None not in rests.values():
                self._attach(viewer, merged(rest or [] for rest in rests.values()), keys)
                return
            try:
                wanted = {key: containers[key] for key in keys}
                page = await following(wanted, places, viewer.filter, _PAGE, self._logs())
            except KubeError as problem:
                if not troubled:
                    event = ContainerEvent("TROUBLE", error=problem)
                    viewer.give([lifecycle("INTERRUPTED", None, event)])
                troubled = True
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(2 * pause, _PAUSE_MOST)
                continue
            viewer.give(self._told(viewer, page.items))
            viewer.pending |= page.places
            await viewer.taken()
            pause, troubled = _PAUSE_FIRST, False

    def _attach(self, viewer: Viewer, items: list[Item], keys: Iterable[bytes]) -> None:
        """Hands over the last that is missing, and from now on whatever comes."""
        kept = (item for item in items if not isinstance(item, LogLine) or viewer.filter.passes(item))
        viewer.give(self._told(viewer, kept))
        for key in keys:
            viewer.pending.pop(key, None)
        if viewer.owed:
            viewer.give([LogBatch((), 0, (), self._delivery.mark(viewer))])
            viewer.owed = False

    def _forgotten(self, viewer: Viewer, keys: Iterable[bytes]) -> list[LogEvent]:
        """What is told of containers that went while they were read."""
        places = [viewer.pending.pop(key, None) for key in keys]
        return [LogGap(None, place.at.ns if place and place.at else 0, 0, "REMOVED") for place in places]

    def _late(self, viewer: Viewer, run: Run) -> None:
        if viewer in self._delivery.viewers and run.feed is not None and viewer.pending.pop(run.key, None) is None:
            viewer.give(self._past(viewer, last(list(run.feed.ring.items), viewer.filter, viewer.tail)))

    def _past(self, viewer: Viewer, items: Iterable[Item]) -> list[LogEvent]:
        """The events of a beginning, before which the reader stands in front of each container's first line in it."""
        first: dict[bytes, Place] = {}
        items = list(items)
        for item in items:
            if isinstance(item, LogLine):
                run = self._sources.at(item.source)
                first.setdefault(run.key, replace(run.start, at=item.position, before=True))
        held = viewer.pending
        viewer.pending = {**held, **first}
        events = self._told(viewer, items)
        viewer.pending = held
        return events

    def _told(self, viewer: Viewer, items: Iterable[Item]) -> list[LogEvent]:
        """Items as events, in batches, each with where the reader stands behind it."""
        events: list[LogEvent] = []
        batch: list[LogLine | Hole] = []
        for item in items:
            if isinstance(item, LogGap):
                events += [*self._batch(viewer, batch), *self._gap(viewer, item)]
                batch = []
                continue
            batch.append(item)
            if len(batch) >= _BATCH:
                events += self._batch(viewer, batch)
                batch = []
        return [*events, *self._batch(viewer, batch)]

    def _gap(self, viewer: Viewer, gap: LogGap) -> list[LogEvent]:
        """A gap, after the word of its source: it may be one that is over, of which there are no lines."""
        viewer.owed = True
        fresh = introduced(viewer, [self._sources.at(gap.source)] if gap.source is not None else [])
        return [fresh, gap] if fresh.sources else [gap]

    def _batch(self, viewer: Viewer, items: list[LogLine | Hole]) -> list[LogEvent]:
        if not items:
            return []
        lines: list[LogLine] = []
        drops: list[Drop] = []
        runs: set[Run] = set()
        for item in items:
            if isinstance(item, LogLine):
                lines.append(item)
            else:
                drops.append(item.drop)
            run = self._sources.at(item.source if isinstance(item, LogLine) else item.drop.source)
            runs.add(run)
            viewer.pending[run.key] = replace(run.start, at=item.position)
        viewer.owed = False
        size = sum(line.size for line in lines)
        fresh = introduced(viewer, runs)
        batch = LogBatch(tuple(lines), size, tuple(drops), self._delivery.mark(viewer))
        return [fresh, batch] if fresh.sources else [batch]


def _feeds(containers: Iterable[list[Run]]) -> list[Feed]:
    """What reads them, or has read them."""
    return [run.feed for runs in containers for run in runs if run.feed is not None]
