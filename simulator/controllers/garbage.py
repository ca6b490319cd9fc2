"""Garbage: what belonged to an object that is gone goes too; foreground and orphan deletions are ended."""

from collections.abc import Iterable

from simulator.controllers.loop import Key, Loop
from simulator.kinds import BY_NAME, STORED, Kind, Object
from simulator.store import Event


class Garbage:
    """Follows owner references, by an index of who depends on which UID."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.state = loop, loop.state
        self._dependents: dict[str, set[tuple[Kind, str, str]]] = {}

    def load(self) -> None:
        """Indexes the objects that the journal brought back, and looks at each of them that has owners."""
        for kind in STORED:
            for obj in self.state.store.objects(kind):
                self._index(kind, obj)
                if obj["metadata"].get("ownerReferences") or obj["metadata"].get("deletionTimestamp"):
                    self.loop.enqueue(self, self._key(kind, obj))

    def _key(self, kind: Kind, obj: Object) -> Key:
        return kind.name, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]

    def _index(self, kind: Kind, obj: Object) -> None:
        for reference in obj["metadata"].get("ownerReferences") or []:
            place = (kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            self._dependents.setdefault(reference["uid"], set()).add(place)

    def keys(self, event: Event) -> Iterable[Key]:
        meta = event.new.obj["metadata"]
        if event.type == "DELETED":
            for reference in meta.get("ownerReferences") or []:
                places = self._dependents.get(reference["uid"], set())
                places.discard((event.kind, event.namespace, meta["name"]))
                if not places:
                    self._dependents.pop(reference["uid"], None)
                yield reference["kind"], event.namespace, reference["name"]
            for kind, namespace, name in self._dependents.get(meta["uid"], ()):
                yield kind.name, namespace, name
            return
        self._index(event.kind, event.new.obj)
        if (meta.get("deletionTimestamp") and meta.get("finalizers")) or (
            event.type == "ADDED" and meta.get("ownerReferences")
        ):
            yield self._key(event.kind, event.new.obj)

    def reconcile(self, key: Key) -> None:
        kind = BY_NAME.get(key[0])
        found = self.state.store.get(kind, key[1], key[2]) if kind and kind.stored else None
        if kind is None or found is None:
            return
        meta = found.obj["metadata"]
        if meta.get("deletionTimestamp"):
            self._finish(kind, found.obj)
            return
        references = meta.get("ownerReferences") or []
        if references and not any(self._lives(reference, key[1]) for reference in references):
            self.state.cluster.delete(kind, key[1], key[2])

    def _lives(self, reference: Object, namespace: str) -> bool:
        kind = BY_NAME.get(reference["kind"])
        if kind is None or not kind.stored:
            return True
        found = self.state.store.get(kind, namespace if kind.namespaced else "", reference["name"])
        return found is not None and found.obj["metadata"]["uid"] == reference["uid"]

    def _finish(self, kind: Kind, obj: Object) -> None:
        meta = obj["metadata"]
        marks = meta.get("finalizers") or []
        if "orphan" in marks:
            for place in list(self._dependents.get(meta["uid"], ())):
                self._release(meta["uid"], *place)
            self._unmark(kind, obj, "orphan")
        elif "foregroundDeletion" in marks:
            left = [place for place in self._dependents.get(meta["uid"], ()) if self.state.store.get(*place)]
            for child, namespace, name in left:
                found = self.state.store.get(child, namespace, name)
                if found and not found.obj["metadata"].get("deletionTimestamp"):
                    options = {"propagationPolicy": "Foreground"} if child.status and child.scale else {}
                    self.state.cluster.delete(child, namespace, name, options)
            if not any(self.state.store.get(*place) for place in left):
                self._unmark(kind, obj, "foregroundDeletion")

    def _release(self, uid: str, kind: Kind, namespace: str, name: str) -> None:
        if found := self.state.store.get(kind, namespace, name):
            meta = found.obj["metadata"]
            kept = [one for one in meta.get("ownerReferences") or [] if one["uid"] != uid]
            self.state.store.put(kind, {**found.obj, "metadata": {**meta, "ownerReferences": kept}})
        self._dependents.get(uid, set()).discard((kind, namespace, name))

    def _unmark(self, kind: Kind, obj: Object, mark: str) -> None:
        meta = obj["metadata"]

        def edit(current: Object) -> Object:
            left = [one for one in current["metadata"].get("finalizers") or [] if one != mark]
            current["metadata"]["finalizers"] = left
            return current

        self.state.cluster.change(kind, meta.get("namespace", ""), meta["name"], edit)
