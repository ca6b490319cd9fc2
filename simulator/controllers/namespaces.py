"""Namespaces: what each of them gets at its start, and how one goes: content first, finalizers waited for."""

from collections.abc import Iterable

from simulator.controllers.loop import Key, Loop, condition
from simulator.kinds import ACCOUNTS, CONFIG_MAPS, NAMESPACES, PODS, STORED, Kind, Object
from simulator.store import Event

ROOT_CA = "kube-root-ca.crt"


class Namespaces:
    """Fills new namespaces and empties those that are deleted."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.state = loop, loop.state

    def keys(self, event: Event) -> Iterable[Key]:
        if event.kind is NAMESPACES:
            yield (event.new.obj["metadata"]["name"],)
        elif event.kind.namespaced and event.type != "ADDED":
            deleted = event.type == "DELETED" and event.kind in {ACCOUNTS, CONFIG_MAPS}
            holder = self.state.store.get(NAMESPACES, "", event.namespace)
            if holder and (deleted or holder.obj["metadata"].get("deletionTimestamp")):
                yield (event.namespace,)

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(NAMESPACES, "", key[0])
        if found is None:
            return
        if found.obj["metadata"].get("deletionTimestamp"):
            self._empty(found.obj)
        else:
            self._fill(key[0])

    def _fill(self, name: str) -> None:
        if self.state.store.get(ACCOUNTS, name, "default") is None:
            self.state.cluster.create(ACCOUNTS, name, {"metadata": {"name": "default"}})
        if self.state.store.get(CONFIG_MAPS, name, ROOT_CA) is None:
            why = {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver "
                   "when using internal endpoints such as the internal service IP or "
                   "kubernetes.default.svc. No other usage is guaranteed across distributions of "
                   "Kubernetes clusters."}  # fmt: skip
            made: Object = {"metadata": {"name": ROOT_CA, "annotations": why}, "data": {"ca.crt": ""}}
            self.state.cluster.create(CONFIG_MAPS, name, made)

    def _empty(self, obj: Object) -> None:
        """Deletes what is in the namespace, and lets it go when nothing is left but what its own finalizers hold."""
        name, store = obj["metadata"]["name"], self.state.store
        for kind in STORED:
            if kind.namespaced:
                for one in list(store.objects(kind, name)):
                    if not one["metadata"].get("deletionTimestamp"):
                        self.state.cluster.delete(kind, name, one["metadata"]["name"])
        left = {kind: list(store.objects(kind, name)) for kind in STORED if kind.namespaced and store.count(kind, name)}
        status = self._status(obj, left)
        if not left and "kubernetes" in obj["spec"].get("finalizers", []):
            self.state.cluster.set_status(NAMESPACES, obj, status)
            others = [one for one in obj["spec"]["finalizers"] if one != "kubernetes"]
            self.state.cluster.finalize(name, {"finalizers": others})
        elif left:
            self.state.cluster.set_status(NAMESPACES, obj, status)

    def _status(self, obj: Object, left: dict[Kind, list[Object]]) -> Object:
        """The conditions that tell what the deletion waits for, in the words of the real controller."""
        before, now = obj.get("status") or {}, self.state.clock.stamp()
        remain = ", ".join(
            f"{kind.resource}{'' if kind.group else '.'} has {len(rows)} resource instances"
            for kind, rows in sorted(left.items(), key=lambda pair: pair[0].resource)
        )
        counts: dict[str, int] = {}
        for rows in left.values():
            for one in rows:
                for finalizer in one["metadata"].get("finalizers") or []:
                    counts[finalizer] = counts.get(finalizer, 0) + 1
        held = ", ".join(f"{one} in {count} resource instances" for one, count in sorted(counts.items()))
        pods = left.get(PODS, [])
        failure = (
            f"Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: "
            f"{obj['metadata']['name']} for gvr: /v1, Resource=pods"
        )
        conditions: list[tuple[str, bool, str, str]] = [
            ("NamespaceDeletionDiscoveryFailure", False, "ResourcesDiscovered",
             "All resources successfully discovered"),
            ("NamespaceDeletionGroupVersionParsingFailure", False, "ParsedGroupVersions",
             "All legacy kube types successfully parsed"),
            ("NamespaceDeletionContentFailure", True, "ContentDeletionFailed", failure) if pods else
            ("NamespaceDeletionContentFailure", False, "ContentDeleted",
             "All content successfully deleted, may be waiting on finalization"),
            ("NamespaceContentRemaining", True, "SomeResourcesRemain", f"Some resources are remaining: {remain}")
            if left else
            ("NamespaceContentRemaining", False, "ContentRemoved", "All content successfully removed"),
            ("NamespaceFinalizersRemaining", True, "SomeFinalizersRemain",
             f"Some content in the namespace has finalizers remaining: {held}") if held else
            ("NamespaceFinalizersRemaining", False, "ContentHasNoFinalizers",
             "All content-preserving finalizers finished"),
        ]  # fmt: skip
        return {**before, "conditions": [condition(before, *row, now) for row in conditions]}
