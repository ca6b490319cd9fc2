"""The verbs of the API on one cluster's objects: what a request does, before and without HTTP."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from simulator import admission, deletion, errors, fields, quota, typed
from simulator import apply as owning
from simulator.clock import Clock
from simulator.defaults import fill
from simulator.findings import Findings
from simulator.kinds import CLAIMS, NAMESPACES, PODS, Kind, Object
from simulator.store import Store, Stored
from simulator.validate import check, check_change

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_GENERATIONS = {
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Pod", "NetworkPolicy", "Ingress",
    "PodDisruptionBudget",
}  # fmt: skip
_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the field manager of the request, and whether it only asks what would happen."""

    manager: str
    dry_run: bool = False


def clone(obj: Object) -> Object:
    """A copy that may be changed."""
    copied: Object = orjson.loads(orjson.dumps(obj))
    return copied


def suffix() -> str:
    """Five characters as the API server appends to a generateName."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


class Cluster:
    """One cluster: its objects and the rules of writing them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def find(self, kind: Kind, namespace: str, name: str) -> Stored:
        """The object. Raises 404."""
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise errors.not_found(kind, name)
        return found

    def create(self, kind: Kind, namespace: str, obj: Object, writer: Writer | None = None) -> Stored:
        """Makes a new object of a document that is the caller's to give away. Raises 400, 403, 404, 409 and 422.

        Without a writer it is the cluster's own work, which leaves no managedFields.
        """
        admission.shape(kind, namespace, obj)
        if writer:
            typed.check(kind, obj)
        meta = obj["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + suffix()
        name = meta.get("name", "")
        admission.place(self.store, kind, namespace, name)
        if kind.status and writer:
            obj.pop("status", None)
        for field in ("resourceVersion", *_SYSTEM):
            meta.pop(field, None)
        meta["uid"] = str(uuid.uuid4())
        meta["creationTimestamp"] = self.clock.stamp()
        if kind.name in _GENERATIONS:
            meta["generation"] = 1
        fill(kind, obj)
        if kind is PODS:
            admission.account(self.store, namespace, obj)
            quota.fill_limits(self.store, namespace, obj)
            admission.secure(self.store, namespace, obj)
        check(kind, obj)
        if self.store.get(kind, namespace, name):
            raise errors.already_exists(kind, name)
        quota.admit(self.store, kind, namespace, obj)
        if writer:
            owning.record(None, obj, self._owner(kind, writer, "Update"))
        return self._keep(kind, obj, writer)

    def _owner(self, kind: Kind, writer: Writer, operation: str, subresource: str = "") -> owning.Owner:
        return owning.Owner(writer.manager, operation, kind.api_version, subresource, self.clock.stamp())

    def _keep(self, kind: Kind, obj: Object, writer: Writer | None) -> Stored:
        if writer and writer.dry_run:
            return Stored(obj, orjson.dumps(obj))
        return self.store.put(kind, obj)

    def replace(
        self, kind: Kind, namespace: str, name: str, new: Object, writer: Writer | None = None, part: str = ""
    ) -> Stored:
        """PUT, of the object or its status. A resourceVersion in it must be the current one. Raises 404, 409, 422."""
        current = self.find(kind, namespace, name)
        admission.shape(kind, namespace, new)
        if writer:
            typed.check(kind, new)
        meta = new["metadata"]
        if (said := meta.setdefault("name", name)) != name:
            raise errors.bad_request(f"the name of the object ({said}) does not match the name on the URL ({name})")
        old = current.obj["metadata"]
        if meta.get("resourceVersion") not in {None, "", old["resourceVersion"]}:
            raise errors.modified(kind, name)
        if meta.get("uid") not in {None, "", old["uid"]}:
            why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old['uid']}"
            raise errors.conflict(kind, name, why)
        return self._change(kind, current, new, writer, part)

    def change(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        edit: Callable[[Object], Object],
        writer: Writer | None = None,
        part: str = "",
    ) -> Stored:
        """A patch: `edit` makes the new object of a copy of the current one."""
        current = self.find(kind, namespace, name)
        new = edit(clone(current.obj))
        if writer:
            typed.check_patched(kind, new)
        if new["metadata"].get("resourceVersion") not in {None, "", current.obj["metadata"]["resourceVersion"]}:
            raise errors.modified(kind, name)
        if (uid := new["metadata"].get("uid")) not in {None, "", current.obj["metadata"]["uid"]}:
            found = Findings()
            found.wrong("metadata.uid", uid, "field is immutable")
            raise errors.invalid(kind, name, found)
        new["metadata"]["name"] = name
        return self._change(kind, current, new, writer, part)

    def apply(
        self, kind: Kind, namespace: str, name: str, wanted: Object, writer: Writer, *, force: bool, part: str = ""
    ) -> Stored:
        """Server-side apply; makes the object where there is none. Raises 409 for fields of other managers."""
        admission.applied(kind, namespace, name, wanted)
        current = self.store.get(kind, namespace, name)
        owner = self._owner(kind, writer, "Apply", part)
        if current is None:
            return self._apply_new(kind, namespace, wanted, writer, owner, part)
        if wanted["metadata"].get("resourceVersion") not in {None, "", current.obj["metadata"]["resourceVersion"]}:
            raise errors.modified(kind, name)
        if wanted["metadata"].get("uid") not in {None, "", current.obj["metadata"]["uid"]}:
            why = f"Precondition failed: UID in precondition: {wanted['metadata']['uid']}, UID in object meta: " \
                  f"{current.obj['metadata']['uid']}"  # fmt: skip
            raise errors.conflict(kind, name, why)
        if not part:
            wanted.pop("status", None)
        if kind.name == "Secret" and "stringData" in wanted:
            fill(kind, wanted)
        new = owning.apply(current.obj, wanted, owner, force=force)
        return self._change(kind, current, new, writer, part, owned=True)

    def _apply_new(
        self, kind: Kind, namespace: str, wanted: Object, writer: Writer, owner: owning.Owner, part: str
    ) -> Stored:
        name = wanted["metadata"]["name"]
        if part or wanted["metadata"].get("uid"):
            raise errors.not_found(kind, name)
        owner.paths = set(fields.leaves(wanted))
        made = self.create(kind, namespace, wanted, Writer(writer.manager, dry_run=True)).obj
        owning.write(made, [owner])
        return self._keep(kind, made, writer)

    def _change(
        self, kind: Kind, current: Stored, new: Object, writer: Writer | None, part: str, *, owned: bool = False
    ) -> Stored:
        old, meta = current.obj, new["metadata"]
        if part == "status":
            managed = meta.get("managedFields")
            new = {**clone(old), "status": new.get("status") or {}}
            meta = new["metadata"]
            if owned:
                meta["managedFields"] = managed
        else:
            for field in (*_SYSTEM, "namespace"):
                if field == "managedFields" and owned:
                    continue
                meta.pop(field, None)
                if field in old["metadata"]:
                    meta[field] = old["metadata"][field]
            if kind.status:
                new["status"] = old.get("status") or {}
            fill(kind, new)
            check(kind, new)
            check_change(kind, old, new)
            if kind is CLAIMS:
                admission.resize(self.store, old, new)
            self._count(kind, old, new)
        meta["resourceVersion"] = old["metadata"]["resourceVersion"]
        if writer and not owned:
            owning.record(old, new, self._owner(kind, writer, "Update", part))
        if _same(old, new):
            return current
        kept = self._keep(kind, new, writer)
        if writer and writer.dry_run:
            return kept
        return self._finish(kind, kept)

    def _count(self, kind: Kind, old: Object, new: Object) -> None:
        if "generation" in old["metadata"]:
            parts = [name for name in {*old, *new} if name not in {"metadata", "status"}]
            if any(old.get(name) != new.get(name) for name in parts):
                new["metadata"]["generation"] = old["metadata"]["generation"] + 1

    def _finish(self, kind: Kind, kept: Stored) -> Stored:
        """Removes an object that waited only for its finalizers."""
        meta = kept.obj["metadata"]
        waits = deletion.waits(kind, kept.obj)
        if meta.get("deletionTimestamp") and not waits and not meta.get("deletionGracePeriodSeconds"):
            return self.store.remove(kind, meta.get("namespace", ""), meta["name"])
        return kept

    def finalize(self, name: str, spec: Object) -> Stored:
        """Sets the finalizers in a namespace's spec; without any, one that is deleted goes."""
        current = self.find(NAMESPACES, "", name).obj
        spec = {name: value for name, value in spec.items() if value}
        if current["metadata"].get("deletionTimestamp") and not spec and not current["metadata"].get("finalizers"):
            return self.store.remove(NAMESPACES, "", name)
        return self.store.put(NAMESPACES, {**current, "metadata": dict(current["metadata"]), "spec": spec})

    def set_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """The cluster's own report about an object; nothing happens where it says nothing new or the object is gone."""
        meta = obj["metadata"]
        current = self.store.get(kind, meta.get("namespace", ""), meta["name"])
        if current and current.obj["metadata"]["uid"] == meta["uid"] and current.obj.get("status") != status:
            self.store.put(kind, {**current.obj, "metadata": dict(current.obj["metadata"]), "status": status})

    def delete(
        self, kind: Kind, namespace: str, name: str, options: Object | None = None, *, dry_run: bool = False
    ) -> tuple[Stored, bool]:
        """DELETE: the object as it is now, and whether it is gone. Raises 404 and the 409 of a precondition."""
        policy = (options or {}).get("propagationPolicy")
        if policy not in {None, "", *deletion.POLICIES}:
            raise deletion.unsupported(policy)
        if kind is NAMESPACES and name in deletion.KEPT:
            raise errors.forbidden(kind, name, "this namespace may not be deleted")
        current = self.find(kind, namespace, name)
        deletion.check(kind, current.obj, options or {})
        if dry_run:
            return current, False
        new = deletion.leaving(kind, current.obj, options or {}, self.clock.stamp())
        if new is None:
            return self.store.remove(kind, namespace, name), True
        return (current if new is current.obj else self.store.put(kind, new)), False


def _same(old: Object, new: Object) -> bool:
    """Whether nothing but the times of managedFields differs."""
    if {**old, "metadata": None} != {**new, "metadata": None}:
        return False

    def bare(obj: Object) -> Object:
        meta = dict(obj["metadata"])
        entries = meta.get("managedFields") or []
        meta["managedFields"] = [{**entry, "time": ""} for entry in entries]
        return meta

    return bare(old) == bare(new)
