"""The runs of containers that a group knows of, their indexes, and what was said of them last."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic, time_ns

from kube.log_records import Source
from kube.pods import ContainerEvent
from live.log_cursor import Place, container_key, run_key
from live.log_events import LogLifecycle, LogSource
from live.log_feed import Feed
from live.log_filter import Filter
from live.log_ring import RING_SECONDS

_REMEMBERED = 100
"""Runs that are over and whose last lines are kept, of one instance."""


@dataclass(slots=True, eq=False)
class Run:
    """One run of one container. key: of the container. start: the place of its beginning. started: its time, 0 where
    it is not known. node: where it runs. feed: what reads it, or has read it.

    past: whether another run has taken its place, or its pod is `gone`. over: since when it is past and read to its
    end. state: why it does not run.
    """

    source: Source
    shown: LogSource
    key: bytes
    start: Place
    started: int
    node: str
    past: bool = False
    gone: bool = False
    feed: Feed | None = None
    over: float | None = None
    state: LogLifecycle | None = None


class Sources:
    """Indexes are given once and never again."""

    def __init__(self) -> None:
        self._runs: dict[Source, Run] = {}
        self._by_index: dict[int, Run] = {}
        self._next = 0

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def get(self, source: Source) -> Run | None:
        return self._runs.get(source)

    def at(self, index: int) -> Run:
        """The run of an index that is in use."""
        return self._by_index[index]

    def add(self, source: Source, event: ContainerEvent, *, before: bool = False) -> Run:
        """Takes in a run that is not known yet. before: it is the one before the run that the event is about."""
        shown = LogSource(self._next, event.service, source.pod, source.pod_uid, source.container, source.container_id)
        key = container_key(source.pod_uid, source.container)
        start = Place(run_key(source.container_id), event.restarts - before)
        made = Run(
            source, shown, key, start, event.before_started if before else event.started, event.node, past=before
        )
        self._runs[source] = self._by_index[shown.index] = made
        self._next += 1
        return made

    def note(self, source: Source, event: ContainerEvent) -> Run:
        """Takes in a run that is not known yet, and the one before it, which can still be read."""
        run = self.add(source, event)
        before = replace(source, container_id=event.before)
        if event.before and self.get(before) is None:
            self.add(before, event, before=True)
        return run

    def drop(self, run: Run) -> None:
        """Forgets a run."""
        self._runs.pop(run.source, None)
        self._by_index.pop(run.shown.index, None)

    def states(self, filter: Filter) -> list[LogLifecycle]:
        """What has been said of those that are shown and still holds: why they do not run, or are not read."""
        return [said for run in self.shown(filter) for said in (run.state, run.feed and run.feed.trouble) if said]

    def others(self, run: Run) -> list[Run]:
        """The other runs of the same container."""
        return [each for each in self if each is not run and each.key == run.key]

    def shown(self, filter: Filter) -> list[Run]:
        """Those whose lines may pass a filter, without those that are over or were never looked at."""
        return [
            run for run in self if filter.wants(run.shown) and run.over is None and not (run.past and run.feed is None)
        ]

    def containers(self, filter: Filter) -> dict[bytes, list[Run]]:
        """The runs that have a log, whose lines may pass a filter, by container and in their order."""
        found: dict[bytes, list[Run]] = {}
        for run in sorted(self, key=lambda run: run.start.restarts):
            if run.source.container_id and filter.wants(run.shown):
                found.setdefault(run.key, []).append(run)
        return found

    def stale(self) -> list[Run]:
        """Those that have been over for long, or that are too many."""
        over = sorted((run for run in self if run.over is not None), key=lambda run: run.over or 0.0)
        oldest = monotonic() - RING_SECONDS
        many = max(0, len(over) - _REMEMBERED)
        return [run for at, run in enumerate(over) if at < many or (run.over or 0.0) < oldest]


def before_present(runs: list[Run]) -> Run | None:
    """Of a container's runs the one before the present one, or the last one while none runs; None without one."""
    if runs[-1].past:
        return None
    if runs[-1].state is not None:
        return runs[-1]
    return runs[-2] if len(runs) > 1 else None


def lifecycle(type: str, shown: LogSource | None, event: ContainerEvent | None = None) -> LogLifecycle:
    """What is told of an event, about a source or about all of them."""
    index = shown.index if shown is not None else None
    if event is None:
        return LogLifecycle(type, index, "", "", None, 0, time_ns())
    reason, message = event.reason, event.message
    if event.error is not None:
        reason, message = event.error.code, event.error.message
    return LogLifecycle(type, index, reason, message, event.exit_code, event.restarts, time_ns())
