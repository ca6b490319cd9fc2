"""The runs of containers that a group knows of, their indexes, and what was said of them last."""

from time import time_ns

from kube.pods import ContainerEvent
from kube.tail import Source
from live.log_events import LogLifecycle, LogSource
from live.log_filter import Filter


class Sources:
    """Indexes are given once and never again. states: why a source does not run, by its index."""

    def __init__(self) -> None:
        self.states: dict[int, LogLifecycle] = {}
        self._shown: dict[Source, LogSource] = {}
        self._next = 0

    def get(self, source: Source) -> LogSource | None:
        return self._shown.get(source)

    def add(self, source: Source, service: str) -> LogSource:
        """Takes in a source that is not known yet."""
        made = LogSource(self._next, service, source.pod, source.pod_uid, source.container, source.container_id)
        self._shown[source] = made
        self._next += 1
        return made

    def drop(self, source: Source) -> None:
        """Forgets a source."""
        shown = self._shown.pop(source, None)
        if shown is not None:
            self.states.pop(shown.index, None)

    def earlier(self, source: Source) -> list[Source]:
        """The other runs of the same container."""
        key = source.pod_uid, source.container
        return [other for other in self._shown if other != source and (other.pod_uid, other.container) == key]

    def started(self) -> list[tuple[Source, LogSource]]:
        """Those that have a log."""
        return [(source, shown) for source, shown in self._shown.items() if source.container_id]

    def wanted(self, filter: Filter) -> list[LogSource]:
        """Those whose lines may pass a filter."""
        return [shown for shown in self._shown.values() if filter.wants(shown)]


def lifecycle(type: str, shown: LogSource | None, event: ContainerEvent | None = None) -> LogLifecycle:
    """What is told of an event, about a source or about all of them."""
    index = shown.index if shown is not None else None
    if event is None:
        return LogLifecycle(type, index, "", "", None, 0, time_ns())
    reason, message = event.reason, event.message
    if event.error is not None:
        reason, message = event.error.code, event.error.message
    return LogLifecycle(type, index, reason, message, event.exit_code, event.restarts, time_ns())
