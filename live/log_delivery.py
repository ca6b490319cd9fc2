"""What came in, made into batches once for each distinct filter, and handed to all whom it is for."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from kube.log_records import Position
from live.log_cursor import Mark, Place, Scope
from live.log_events import Drop, LogBatch, LogGap, LogLifecycle, LogSource, LogSources
from live.log_filter import Filter
from live.log_lines import LogLine
from live.log_sources import Run, Sources
from live.log_viewer import Viewer
from settings import settings

FLUSH_LINES = 200
FLUSH_BYTES = 128 * 1024


@dataclass(slots=True)
class _Same:
    """Those who asked the same. left: when the last of them went."""

    scope: Scope
    viewers: set[Viewer] = field(default_factory=set)
    left: float = 0.0


class Delivery:
    """places: where a reader stands who has read all that was handed on, by container."""

    def __init__(self, sources: Sources, scope: Callable[[Filter], Scope]) -> None:
        self.viewers: set[Viewer] = set()
        self.places: dict[bytes, Place] = {}
        self._sources = sources
        self._scope = scope
        self._by_filter: dict[Filter, _Same] = {}
        self._lines: list[LogLine] = []
        self._drops: dict[int, Drop] = {}
        self._came: dict[int, Position] = {}
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def viewer(self, filter: Filter, tail: int) -> Viewer:
        """Takes in one more; it gets nothing until it has `begun`."""
        same = self._by_filter.setdefault(filter, _Same(self._scope(filter)))
        viewer = Viewer(filter, same.scope, tail)
        same.viewers.add(viewer)
        self.viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Lets one go. What it wanted is wanted for a while longer, for people come back."""
        self.viewers.discard(viewer)
        same = self._by_filter.get(viewer.filter)
        if same is not None:
            same.viewers.discard(viewer)
            same.left = monotonic()

    def forget(self) -> None:
        """Forgets what nobody has wanted for a while."""
        oldest = monotonic() - settings().log_linger
        for filter, same in list(self._by_filter.items()):
            if not same.viewers and same.left <= oldest:
                del self._by_filter[filter]

    @property
    def wanted(self) -> bool:
        """Whether anything is wanted."""
        return bool(self._by_filter)

    def wants(self, shown: LogSource) -> bool:
        """Whether somebody wants the lines of a source."""
        return any(not filter.previous and filter.wants(shown) for filter in self._by_filter)

    def mark(self, viewer: Viewer) -> Mark:
        """Where a viewer stands when it has read all that was handed to it."""
        places = self._places(viewer.filter)
        for key in viewer.pending:
            places.pop(key, None)
        return Mark(viewer.scope, places | known(viewer.pending))

    def take(self, source: LogSource, lines: list[LogLine], drops: list[Drop], position: Position) -> None:
        """What came in of a source. position: of the last of it."""
        for line in lines:
            self._lines.append(line)
            self._bytes += line.size
            if len(self._lines) >= FLUSH_LINES or self._bytes >= FLUSH_BYTES:
                self._came[source.index] = line.position
                self.flush()
        for drop in drops:
            known = self._drops.get(drop.source)
            self._drops[drop.source] = drop if known is None else known.and_then(drop)
        if self._lines or self._drops:
            self._came[source.index] = position
        if self._came and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(settings().log_flush, self.flush)

    def flush(self) -> None:
        """Makes one batch of what has come in, and hands it to everyone it is for."""
        self.stop()
        if not self._came:
            return
        for index, position in self._came.items():
            start = self._sources.at(index).start
            self.place(self._sources.at(index), Place(start.run, start.restarts, position))
        self._lines.sort(key=lambda line: line.order)
        batch = LogBatch(tuple(self._lines), self._bytes, tuple(self._drops.values()))
        self._lines, self._drops, self._bytes, self._came = [], {}, 0, {}
        for filter, same in self._by_filter.items():
            begun = [viewer for viewer in same.viewers if viewer.begun]
            if not begun:
                continue
            part = filter.part(batch, {run.shown.index for run in self._sources if filter.wants(run.shown)})
            if part is None:
                continue
            shared = LogBatch(part.lines, part.size, part.dropped, Mark(same.scope, self._places(filter)))
            for viewer in begun:
                if not viewer.pending:
                    viewer.put(shared)
                elif (own := self._own(viewer, shared)) is not None:
                    viewer.put(own)

    def stop(self) -> None:
        """Forgets that a batch is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def place(self, run: Run, place: Place) -> None:
        """Says where all who have read everything stand in a container."""
        self.places[run.key] = place

    def tell(self, event: LogGap | LogLifecycle) -> None:
        """Tells those whom it concerns, after the lines that came before it."""
        self.flush()
        for viewer in self.viewers:
            if event.source is None or (viewer.begun and self._gets(viewer, event.source)):
                viewer.put(event)

    def show(self, run: Run) -> None:
        """Tells those who want a source that there is one."""
        for viewer in self.viewers:
            if viewer.begun and not viewer.filter.previous and viewer.filter.wants(run.shown):
                viewer.told.add(run.shown.index)
                viewer.put(LogSources((run.shown,)))

    def _gets(self, viewer: Viewer, index: int) -> bool:
        return index in viewer.told and self._sources.at(index).key not in viewer.pending

    def _own(self, viewer: Viewer, shared: LogBatch) -> LogBatch | None:
        """What a viewer gets that does not get all of its containers yet."""
        wanted = {index for index in viewer.told if self._gets(viewer, index)}
        part = Filter().part(shared, wanted)
        return LogBatch(part.lines, part.size, part.dropped, self.mark(viewer)) if part is not None else None

    def _places(self, filter: Filter) -> dict[bytes, Place]:
        wanted = {run.key for run in self._sources if filter.wants(run.shown)}
        return {key: place for key, place in self.places.items() if key in wanted}


def known(pending: dict[bytes, Place | None]) -> dict[bytes, Place]:
    """The places of those whose place is known."""
    return {key: place for key, place in pending.items() if place is not None}


def introduced(viewer: Viewer, runs: Iterable[Run]) -> LogSources:
    """What tells a viewer of the sources among these that it was not told of."""
    fresh = [run.shown for run in runs if run.shown.index not in viewer.told]
    viewer.told.update(shown.index for shown in fresh)
    return LogSources(tuple(fresh))
