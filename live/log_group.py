"""All that is read of one instance: its containers as they come and go, and everyone who watches them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Protocol

import structlog

from kube.errors import KubeError
from kube.log_records import Source
from kube.pods import ContainerEvent
from live.log_archive import Archive
from live.log_cursor import Mark, Place, Scope
from live.log_delivery import Delivery
from live.log_events import LogEnd, LogGap, LogHeartbeat, LogLifecycle
from live.log_feed import Feed
from live.log_filter import Filter
from live.log_opening import Logs, Opening
from live.log_room import Room
from live.log_sources import Run, Sources, lifecycle
from live.log_viewer import Viewer
from settings import settings

log = structlog.get_logger(__name__)

_LAST_WORDS = 10.0
"""Seconds for which a log is read on after its pod is gone."""


class Instance(Logs, Archive, Protocol):
    """What a group reads from: the containers of one namespace, the log of each, and of its run before."""

    def events(self) -> AsyncGenerator[ContainerEvent, None]: ...


class Group:
    """Runs from `start` to `close`; `over` is called when it cannot go on, after its viewers were told.

    open: gives what to read from; it may raise KubeError.
    """

    def __init__(
        self,
        scope: Callable[[Filter], Scope],
        open: Callable[[], Awaitable[Instance]],
        room: Room,
        over: Callable[["Group"], None],
    ) -> None:
        self._open = open
        self._room = room
        self._instance: Instance
        self._over = over
        self._sources = Sources()
        self._delivery = Delivery(self._sources, scope)
        self._synced = asyncio.Event()
        self._opening = Opening(self._sources, self._delivery, self._synced, lambda: self._instance, self._spawn)
        self._farewells: dict[Run, list[LogLifecycle]] = defaultdict(list)
        self._troubled = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._spawn(self._run())
        self._spawn(self._look())

    async def close(self) -> None:
        """Stops reading. Viewers that are left get nothing any more."""
        self._delivery.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(run.feed.stop() for run in self._sources if run.feed is not None))

    @property
    def viewers(self) -> int:
        """How many are watching."""
        return len(self._delivery.viewers)

    @property
    def wanted(self) -> bool:
        """Whether somebody watches, or did until a while ago."""
        return self._delivery.wanted

    def join(self, filter: Filter, tail: int, places: Mapping[bytes, Place] | None) -> Viewer:
        """Takes a viewer in: what it wants is read from now on, and it gets its beginning as soon as that is there.

        places: where it goes on; without them it begins with the last lines, so many as `tail` says.
        """
        viewer = self._delivery.viewer(filter, tail)
        if places is not None:
            viewer.stand(Mark(viewer.scope, places))
        self._spawn(self._begin(viewer, places))
        self._read_wanted()
        return viewer

    async def _begin(self, viewer: Viewer, places: Mapping[bytes, Place] | None) -> None:
        try:
            await self._open_for(viewer, places)
        except Exception:
            log.exception("a stream of logs cannot begin")
            viewer.end(LogEnd("INTERRUPTED", True, "It failed by a fault of Berth's own; come back to go on."))

    async def _open_for(self, viewer: Viewer, places: Mapping[bytes, Place] | None) -> None:
        if viewer.filter.previous:
            await self._opening.look_back(viewer, places)
        elif places is not None:
            await self._opening.resume(viewer, places)
        else:
            await self._opening.begin(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Lets a viewer go. What nobody wants any more is read until `reap`."""
        self._delivery.leave(viewer)

    def reap(self) -> None:
        """Stops reading what nobody has wanted for a while."""
        self._delivery.forget()
        for run in self._sources:
            if run.feed is not None and not self._delivery.wants(run.shown):
                self._spawn(run.feed.stop())
                run.feed = None
                self._delivery.places.pop(run.key, None)
                if run.past:
                    self._drop(run)

    def heartbeat(self, viewer: Viewer) -> LogHeartbeat:
        """A sign of life, with how many containers are being read for those who ask this."""
        runs = [run for run in self._sources if viewer.filter.wants(run.shown)]
        upstreams = sum(run.feed is not None and run.feed.reading for run in runs)
        return viewer.heartbeat(upstreams, self._delivery.mark(viewer))

    # The containers.

    async def _run(self) -> None:
        message = "What tells of its containers has ended."
        try:
            self._instance = await self._open()
            async with aclosing(self._instance.events()) as events:
                async for event in events:
                    self._note(event)
        except KubeError as problem:
            message = problem.message
        except Exception:  # among them RuntimeError: the client was closed, for the cluster is reached another way now
            log.warning("the containers of an instance cannot be followed any more", exc_info=True)
        self.end(LogEnd("INTERRUPTED", True, message))
        self._over(self)

    def end(self, end: LogEnd) -> None:
        """Ends the streams of all viewers."""
        self._delivery.flush()
        for viewer in self._delivery.viewers:
            viewer.end(end)

    async def _look(self) -> None:
        """Now and then lets go of what is old, and of viewers that do not read."""
        while True:
            await asyncio.sleep(settings().log_stall / 4)
            for run in self._sources.stale():
                self._drop(run)
            for run in self._sources:
                if run.feed is not None:
                    run.feed.ring.age()
            for viewer in list(self._delivery.viewers):
                if viewer.stalled:
                    viewer.give_up()
                    self.leave(viewer)

    def _note(self, event: ContainerEvent) -> None:
        if event.type == "SYNCED":
            if self._troubled:
                self._delivery.tell(lifecycle("RESUMED", None))
            self._troubled = False
            self._synced.set()
        elif event.type == "TROUBLE":
            if not self._troubled:
                self._delivery.tell(lifecycle("INTERRUPTED", None, event))
            self._troubled = True
        elif event.source is not None:
            self._happened(event, event.source)

    def _happened(self, event: ContainerEvent, source: Source) -> None:
        run = self._sources.get(source) or self._new(source, event)
        told = lifecycle("STATE" if event.type == "WAITING" else event.type, run.shown, event)
        fresh = event.fresh or event.type == "RESTARTED"
        if event.type in ("JOINED", "RESTARTED"):
            for other in self._sources.others(run):
                self._past(other, gone=other.start.restarts + 1 < run.start.restarts)
            self._read_wanted(fresh={run} if fresh else set())
        if event.type == "WAITING":
            run.state = told
        if event.type in ("ENDED", "LEFT") and run.feed is not None and run.feed.running:
            self._farewells[run].append(told)  # its last lines come first
        elif event.type != "JOINED" or fresh:
            self._delivery.tell(told)
        if event.type == "LEFT":
            for each in (run, *self._sources.others(run)):
                self._past(each, gone=True)

    def _new(self, source: Source, event: ContainerEvent) -> Run:
        """Takes in a run and tells those who want it."""
        run = self._sources.note(source, event)
        self._delivery.show(run)
        return run

    def _past(self, run: Run, *, gone: bool) -> None:
        """A run is over, and is forgotten a while after what is left of its log was read."""
        run.past, run.gone = True, run.gone or gone
        if run.feed is None:
            if gone or not run.source.container_id:
                self._drop(run)
        elif not run.feed.running:
            run.over = run.over or monotonic()
        elif gone:
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._give_up, run)

    def _give_up(self, run: Run) -> None:
        """Reads no longer what says nothing and does not end."""
        if run.feed is not None and run.feed.running:
            self._delivery.tell(LogGap(run.shown.index, 0, 0, "REMOVED"))
            self._spawn(run.feed.stop())

    def _drop(self, run: Run) -> None:
        self._delivery.flush()
        self._sources.drop(run)
        if not self._sources.others(run):
            self._delivery.places.pop(run.key, None)

    # Reading.

    def _read_wanted(self, fresh: Collection[Run] = ()) -> None:
        """Begins to read what somebody wants. fresh: what has only just started, and is read from its first line."""
        for run in self._sources:
            if run.feed is None and run.source.container_id and not run.past and self._delivery.wants(run.shown):
                self._read(run, fresh=run in fresh)

    def _read(self, run: Run, *, fresh: bool) -> None:
        before = [each.feed for each in self._sources.others(run) if each.feed is not None and each.feed.running]
        run.feed = Feed(
            run.shown,
            self._instance.tail(run.source),
            fresh=fresh,
            after=before[-1] if before else None,
            place=partial(self._room.place, run.node),
            take=self._delivery.take,
            tell=self._delivery.tell,
            ended=partial(self._ended, run),
        )
        if fresh:
            self._delivery.places.setdefault(run.key, run.start)
        else:
            run.feed.waiting.append(partial(self._primed, run))
            run.feed.waiting += self._opening.waiting(run)
        run.feed.start()

    def _primed(self, run: Run) -> None:
        if run.feed is not None:
            self._delivery.place(run, replace(run.start, at=run.feed.ring.end))

    def _ended(self, run: Run, feed: Feed) -> None:
        self._delivery.flush()
        place = self._delivery.places.get(run.key)
        if feed.finished and run.feed is feed:
            place = place if place is not None and place.run == run.start.run else run.start
            self._delivery.place(run, replace(place, ended=True))
        for told in self._farewells.pop(run, ()):
            self._delivery.tell(told)
        if run.past:
            run.over = monotonic()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
