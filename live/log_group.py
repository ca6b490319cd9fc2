"""All that is read of one instance: its containers as they come and go, and everyone who watches them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from kube.errors import KubeError
from kube.pods import ContainerEvent
from kube.tail import Source
from live.log_events import Drop, LogBatch, LogEnd, LogGap, LogLifecycle, LogSource, LogSources
from live.log_feed import Feed, Upstream
from live.log_filter import Filter
from live.log_history import joined, older, past, run_before
from live.log_lines import LogLine
from live.log_sources import Sources, lifecycle
from live.log_viewer import Viewer
from settings import settings

log = structlog.get_logger(__name__)

FLUSH_LINES = 200
FLUSH_BYTES = 128 * 1024


class Instance(Protocol):
    """What a group reads from: the containers of one namespace, the log of each, and of its run before."""

    def events(self) -> AsyncGenerator[ContainerEvent, None]: ...

    def tail(self, source: Source) -> Upstream: ...

    def before(self, source: Source) -> Upstream: ...


class Group:
    """Runs from `start` to `close`; `over` is called when it cannot go on, after its viewers were told.

    open: gives what to read from; it may raise KubeError.
    """

    def __init__(self, open: Callable[[], Awaitable[Instance]], over: Callable[["Group"], None]) -> None:
        self.viewers: set[Viewer] = set()
        self._open = open
        self._instance: Instance
        self._over = over
        self._by_filter: dict[Filter, set[Viewer]] = defaultdict(set)
        self._sources = Sources()
        self._past: set[Source] = set()
        self._farewells: dict[Source, list[LogLifecycle]] = defaultdict(list)
        self._feeds: dict[Source, Feed] = {}
        self._synced = asyncio.Event()
        self._troubled = False
        self._lines: list[LogLine] = []
        self._drops: list[Drop] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._spawn(self._run())

    async def close(self) -> None:
        """Stops reading. Viewers that are left get nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(feed.stop() for feed in list(self._feeds.values())))

    def join(self, viewer: Viewer) -> None:
        """Takes a viewer in: what it wants is read from now on, and it gets its beginning as soon as that is there."""
        self.viewers.add(viewer)
        self._by_filter[viewer.filter].add(viewer)
        self._read_wanted()
        self._spawn(self._begin(viewer))

    def look_back(self, viewer: Viewer) -> None:
        """Takes in a viewer that gets the runs before the present ones, and then its end."""
        self.viewers.add(viewer)
        self._spawn(self._look_back(viewer))

    def leave(self, viewer: Viewer) -> None:
        """Lets a viewer go. What nobody wants any more is read until `reap`."""
        self.viewers.discard(viewer)
        same = self._by_filter.get(viewer.filter)
        if same is not None:
            same.discard(viewer)
            if not same:
                del self._by_filter[viewer.filter]

    def reap(self) -> None:
        """Stops reading what nobody wants."""
        for source, feed in list(self._feeds.items()):
            if not self._wanted(feed.source):
                self._spawn(feed.stop())
                del self._feeds[source]
                if source in self._past:
                    self._drop(source)

    def upstreams(self, filter: Filter) -> int:
        """How many containers are being read for those who ask this."""
        return sum(feed.running and filter.wants(feed.source) for feed in self._feeds.values())

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
        for viewer in self.viewers:
            viewer.end(end)

    def _note(self, event: ContainerEvent) -> None:
        if event.type == "SYNCED":
            if self._troubled:
                self._tell(lifecycle("RESUMED", None))
            self._troubled = False
            self._synced.set()
        elif event.type == "TROUBLE":
            if not self._troubled:
                self._tell(lifecycle("INTERRUPTED", None, event))
            self._troubled = True
        elif event.source is not None:
            self._happened(event, event.source)

    def _happened(self, event: ContainerEvent, source: Source) -> None:
        shown = self._sources.get(source) or self._new(source, event.service)
        told = lifecycle("STATE" if event.type == "WAITING" else event.type, shown, event)
        fresh = event.fresh or event.type == "RESTARTED"
        if event.type in ("JOINED", "RESTARTED"):
            self._forget(self._sources.earlier(source))
            self._read_wanted(fresh={source} if fresh else set())
        if event.type == "WAITING":
            self._sources.states[shown.index] = told
        feed = self._feeds.get(source)
        if event.type in ("ENDED", "LEFT") and feed is not None and feed.running:
            self._farewells[source].append(told)  # its last lines come first
        elif event.type != "JOINED" or fresh:
            self._tell(told)
        if event.type == "LEFT":
            self._forget([source])

    def _new(self, source: Source, service: str) -> LogSource:
        """Takes in a source and tells those who want it."""
        shown = self._sources.add(source, service)
        for viewer in self._attached(shown):
            viewer.told.add(shown.index)
            viewer.put(LogSources((shown,)))
        return shown

    def _forget(self, sources: Iterable[Source]) -> None:
        """Forgets runs that are over, each when what is left of its log was read."""
        for source in sources:
            feed = self._feeds.get(source)
            if feed is not None and feed.running:
                self._past.add(source)
            else:
                self._drop(source)

    def _drop(self, source: Source) -> None:
        self._flush()
        self._past.discard(source)
        self._feeds.pop(source, None)
        self._sources.drop(source)

    # Reading.

    def _wanted(self, shown: LogSource) -> bool:
        return any(filter.wants(shown) for filter in self._by_filter)

    def _read_wanted(self, fresh: Collection[Source] = ()) -> None:
        """Begins to read what somebody wants. fresh: what has only just started, and is read from its first line."""
        for source, shown in self._sources.started():
            if source not in self._feeds and self._wanted(shown):
                feed = Feed(
                    shown,
                    self._instance.tail(source),
                    fresh=source in fresh,
                    take=self._take,
                    tell=self._tell,
                    ended=partial(self._ended, source),
                )
                if not feed.primed.is_set():
                    feed.waiting += [partial(self._late, viewer, feed) for viewer in self._attached(shown)]
                self._feeds[source] = feed
                feed.start()

    def _ended(self, source: Source, feed: Feed) -> None:
        for told in self._farewells.pop(source, ()):
            self._tell(told)
        if source in self._past and self._feeds.get(source) is feed:
            self._drop(source)

    async def _begin(self, viewer: Viewer) -> None:
        """Waits a moment for the past of what is wanted, then hands over the past and whatever comes, without a seam.

        A source whose past is not there in time follows when it is.
        """
        read: dict[int, list[LogLine]] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(settings().log_opening):
                await self._synced.wait()
                wanted = [(source, feed) for source, feed in self._feeds.items() if viewer.filter.wants(feed.source)]
                await asyncio.gather(*(feed.primed.wait() for _, feed in wanted))
                found = await asyncio.gather(
                    *(older(feed, self._instance.tail(source), viewer.tail) for source, feed in wanted)
                )
                read = {feed.source.index: lines for (_, feed), lines in zip(wanted, found, strict=True)}
        self._flush()  # what is in the rings goes to the others now, so that nothing comes to this one twice
        feeds = [feed for feed in self._feeds.values() if viewer.filter.wants(feed.source)]
        for feed in feeds:
            if not feed.primed.is_set():
                feed.waiting.append(partial(self._late, viewer, feed))
        rings = [joined(read.get(feed.source.index, []), feed.ring.lines) for feed in feeds if feed.primed.is_set()]
        shown = self._sources.wanted(viewer.filter)
        viewer.told.update(source.index for source in shown)
        states = [self._sources.states[source.index] for source in shown if source.index in self._sources.states]
        viewer.begin([LogSources(tuple(shown)), *past(rings, viewer.filter, viewer.tail), *states])

    async def _look_back(self, viewer: Viewer) -> None:
        await self._synced.wait()
        wanted = [(source, shown) for source, shown in self._sources.started() if viewer.filter.wants(shown)]
        reads = (run_before(shown, self._instance.before(source), viewer.tail) for source, shown in wanted)
        try:
            found = await asyncio.gather(*reads)
        except KubeError as problem:
            viewer.end(LogEnd("INTERRUPTED", True, problem.message))
            return
        told = tuple(replace(shown, container_id="") for (_, shown), lines in zip(wanted, found, strict=True) if lines)
        viewer.begin([LogSources(told), *past(found, viewer.filter, viewer.tail)])
        viewer.end(LogEnd("COMPLETED", False))

    def _late(self, viewer: Viewer, feed: Feed) -> None:
        for batch in past([feed.ring.lines], viewer.filter, viewer.tail):
            viewer.put(batch)

    def _take(self, lines: list[LogLine], drops: list[Drop]) -> None:
        self._drops += drops
        for line in lines:
            self._lines.append(line)
            self._bytes += line.size
            if len(self._lines) >= FLUSH_LINES or self._bytes >= FLUSH_BYTES:
                self._flush()
        if (self._lines or self._drops) and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(settings().log_flush, self._flush)

    def _flush(self) -> None:
        """Makes one batch of what has come in, and hands it to everyone it is for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines and not self._drops:
            return
        self._lines.sort(key=lambda line: line.order)
        batch = LogBatch(tuple(self._lines), self._bytes, tuple(self._drops))
        self._lines, self._drops, self._bytes = [], [], 0
        for filter, viewers in self._by_filter.items():
            attached = [viewer for viewer in viewers if viewer.attached]
            if not attached:
                continue
            part = filter.part(batch, {shown.index for shown in self._sources.wanted(filter)})
            for viewer in attached if part is not None else ():
                assert part is not None
                viewer.put(part)

    def _tell(self, event: LogGap | LogLifecycle) -> None:
        """Tells those whom it concerns, after the lines that came before it."""
        self._flush()
        for viewer in self.viewers:
            if viewer.attached and (event.source is None or event.source in viewer.told):
                viewer.put(event)

    def _attached(self, shown: LogSource) -> list[Viewer]:
        return [viewer for viewer in self.viewers if viewer.attached and viewer.filter.wants(shown)]

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
