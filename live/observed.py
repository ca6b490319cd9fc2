"""What one cluster's watches tell of the workloads and pods that Berth made, reduced to what their state needs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from kube.errors import KubeError
from kube.labels import INSTANCE, SERVICE
from kube.resources import POD, WORKLOADS
from kube.watch import Change
from kube.workloads import Replica, Wanted, replica, runtime, wanted

KINDS = frozenset(resource.kind for resource in (*WORKLOADS, POD))

Key = tuple[str, str, str]
"""An app service, as labels name it: the namespace, the instance's id, the service's name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How an app service is; the counts are None when nothing of it runs."""

    ready: int | None = None
    desired: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Observed:
    """Fed with changes; `take` tells the app services that are another way than when they were told last.

    troubles: by kind, why it is not followed at present.
    """

    troubles: dict[str, KubeError] = field(default_factory=dict)
    _synced: set[str] = field(default_factory=set)
    _changed: set[Key] = field(default_factory=set)
    _told: dict[Key, Seen] = field(default_factory=dict)
    _services: dict[tuple[str, str, str], Key] = field(default_factory=dict)
    _workloads: dict[Key, dict[tuple[str, str], Wanted]] = field(default_factory=lambda: defaultdict(dict))
    _pods: dict[Key, dict[str, Replica]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def synced(self) -> bool:
        """Whether everything that exists has been told, and is being followed."""
        return self._synced == KINDS and not self.troubles

    def anew(self) -> None:
        """Forgets what the watches told, for they begin anew, but not what was taken of it."""
        self.troubles.clear()
        self._synced.clear()
        self._services.clear()
        self._workloads.clear()
        self._pods.clear()
        self._changed.update(self._told)

    def note(self, kind: str, change: Change) -> None:
        """Takes in one step of the collection of a kind."""
        if change.type == "SYNCED":
            self._synced.add(kind)
            self.troubles.pop(kind, None)
        elif change.type == "SYNCING":
            self._synced.discard(kind)
        elif change.error is not None:
            self.troubles[kind] = change.error
        else:
            self._put(kind, change.object, gone=change.type == "DELETED")

    def expect(self, keys: Iterable[Key]) -> None:
        """Has these app services told even when nothing of them is there any more."""
        self._changed.update(keys)

    def again(self, keys: Iterable[Key]) -> None:
        """Has these told again: what was told of them last was not written down."""
        for key in keys:
            self._told.pop(key, None)
            self._changed.add(key)

    def take(self) -> dict[Key, Seen]:
        """What has changed since the last call; nothing while not everything is followed."""
        if not self.synced:
            return {}
        changed, self._changed = self._changed, set()
        taken = {}
        for key in changed:
            seen = self._seen(key)
            if self._told.get(key) != seen:
                taken[key] = seen
            if seen.ready is None:
                self._told.pop(key, None)
            else:
                self._told[key] = seen
        return taken

    def _put(self, kind: str, found: dict[str, Any], *, gone: bool) -> None:
        metadata = found["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        place = (kind, namespace, name)
        labels = metadata.get("labels") or {}
        key = (intern(namespace), intern(str(labels.get(INSTANCE, ""))), intern(str(labels.get(SERVICE, ""))))
        before = self._services.pop(place, None)
        if before is not None and (gone or before != key):
            self._drop(kind, before, name)
        if gone or not all(key):
            return
        self._services[place] = key
        self._changed.add(key)
        if kind == POD.kind:
            self._pods[key][name] = replica(found)
        else:
            self._workloads[key][kind, name] = wanted(found)

    def _drop(self, kind: str, key: Key, name: str) -> None:
        self._changed.add(key)
        if kind == POD.kind:
            self._pods[key].pop(name, None)
            if not self._pods[key]:
                del self._pods[key]
        else:
            self._workloads[key].pop((kind, name), None)
            if not self._workloads[key]:
                del self._workloads[key]

    def _seen(self, key: Key) -> Seen:
        workloads, pods = self._workloads.get(key), self._pods.get(key, {})
        if not workloads:
            return Seen()
        found = [runtime(workload, pods.values()) for workload in workloads.values()]
        reasons = [each.reason for each in found if each.reason]
        return Seen(sum(each.ready for each in found), sum(each.desired for each in found), (reasons or [""])[0])
