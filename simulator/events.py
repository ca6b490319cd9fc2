"""Events: what happened to an object, said once and counted after."""

from collections import deque

from simulator.clock import SECOND, parse
from simulator.cluster import Cluster
from simulator.errors import StatusError
from simulator.kinds import BY_NAME, EVENTS, Object

KEPT = 3600 * SECOND
"""How long an event is kept, as a real cluster keeps it."""


class Recorder:
    """Writes events about objects."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._last = 0
        self._old: deque[tuple[int, str, str]] = deque()

    def load(self) -> None:
        """Takes up the events that the journal brought back, so that they end in their time."""
        rows = [row.obj for row in self._cluster.store.select(EVENTS)]
        found = [(parse(row["lastTimestamp"]), row["metadata"]["namespace"], row["metadata"]["name"])
                 for row in rows if row.get("lastTimestamp")]  # fmt: skip
        self._old.extend(sorted(found))

    def record(self, obj: Object, reason: str, message: str, component: str, *, warning: bool = False) -> None:
        """Says that something happened to an object; the same again only raises the count of the first."""
        cluster, meta = self._cluster, obj["metadata"]
        now = cluster.clock.stamp()
        key = (meta["uid"], reason, message)
        self._forget()
        if (known := self._known.get(key)) and (found := cluster.store.get(EVENTS, *known)):
            again = {**found.obj, "metadata": dict(found.obj["metadata"]), "lastTimestamp": now}
            cluster.store.put(EVENTS, again | {"count": found.obj.get("count", 1) + 1})
            return
        namespace = meta.get("namespace", "default")
        kind = BY_NAME[obj["kind"]]
        name = f"{meta['name']}.{self._moment():x}"
        event: Object = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "kind": kind.name, "namespace": namespace, "name": meta["name"], "uid": meta["uid"],
                "apiVersion": kind.api_version, "resourceVersion": meta["resourceVersion"],
            },
            "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": now,
            "lastTimestamp": now, "count": 1, "type": "Warning" if warning else "Normal", "eventTime": None,
            "reportingComponent": component, "reportingInstance": "",
        }  # fmt: skip
        try:
            cluster.create(EVENTS, namespace, event)
        except StatusError:
            return  # the namespace is going or gone: nobody is left to tell
        self._known[key] = (namespace, name)
        self._old.append((cluster.clock.now(), namespace, name))

    def _moment(self) -> int:
        """A number for a name, which makes events sort by time, as the real ones do."""
        self._last = max(self._last + 1, self._cluster.clock.now())
        return self._last

    def _forget(self) -> None:
        now = self._cluster.clock.now()
        while self._old and self._old[0][0] < now - KEPT:
            _, namespace, name = self._old.popleft()
            if self._cluster.store.get(EVENTS, namespace, name):
                self._cluster.store.remove(EVENTS, namespace, name)
        if len(self._known) > 20_000:
            self._known.clear()
