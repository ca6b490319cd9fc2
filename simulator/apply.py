"""Server-side apply, and who owns which field after any write."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator.errors import StatusError
from simulator.fields import ITEM, Path, closed, flat, is_atomic, is_set, key, keys_of, leaves, nested, shown
from simulator.kinds import Object

_NOTHING = object()


@dataclass(slots=True)
class Owner:
    """One entry of managedFields."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    paths: set[Path] = field(default_factory=set)

    @property
    def who(self) -> tuple[str, str, str]:
        return self.manager, self.operation, self.subresource

    def shown(self) -> str:
        part = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.manager}"{part}{version}'


def owners(obj: Object) -> list[Owner]:
    """The managedFields of an object."""
    return [
        Owner(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            entry.get("time", ""),
            flat(entry.get("fieldsV1") or {}),
        )
        for entry in obj["metadata"].get("managedFields") or []
    ]


def write(obj: Object, found: list[Owner]) -> None:
    """Sets the managedFields of an object; owners of nothing are left out."""
    entries: list[Object] = []
    for owner in sorted(found, key=lambda one: (one.operation, one.time, one.manager)):
        if owner.paths:
            entry: Object = {
                "manager": owner.manager, "operation": owner.operation, "apiVersion": owner.api_version,
                "time": owner.time, "fieldsType": "FieldsV1", "fieldsV1": nested(owner.paths),
            }  # fmt: skip
            entries.append(entry | ({"subresource": owner.subresource} if owner.subresource else {}))
    obj["metadata"]["managedFields"] = entries


def record(old: Object | None, new: Object, writer: Owner) -> None:
    """Makes `writer` own what this create, update or patch changed, and nobody else."""
    status = writer.subresource == "status"
    before = leaves(old, status=status) if old else {}
    after = leaves(new, status=status)
    changed = {path for path, value in after.items() if before.get(path, _NOTHING) != value}
    touched = changed | {path for path in before if path not in after}
    found = owners(old) if old else []
    if not touched:
        write(new, found)
        return
    own = next((owner for owner in found if owner.who == writer.who), None)
    for owner in found:
        owner.paths -= touched
    if own is None:
        own = writer
        found.append(own)
    own.paths |= changed
    own.time, own.api_version = writer.time, writer.api_version
    write(new, found)


def apply(live: Object, wanted: Object, writer: Owner, *, force: bool) -> Object:
    """The object after the apply: merged, without what the manager no longer names, its owners written.

    Raises the 409 of Kubernetes where other managers own fields of another value, unless `force`.
    """
    status = writer.subresource == "status"
    found = owners(live)
    have, want = leaves(live, status=status), leaves(wanted, status=status)
    names = set(want)
    own = next((owner for owner in found if owner.who == writer.who), None)
    others = [owner for owner in found if owner is not own]
    differ = {path for path, value in want.items() if value is not ITEM and have.get(path, _NOTHING) != value}
    if force:
        for owner in others:
            owner.paths -= differ
    else:
        _refuse([(owner, path) for owner in others for path in sorted(owner.paths & differ)])
    merged: Object = orjson.loads(orjson.dumps(_merge(live, wanted, "")))
    if own is not None:
        kept = closed(set().union(*(owner.paths for owner in others)))
        for path in sorted(closed(own.paths) - closed(names), key=len):
            if path not in kept and path != ("f:metadata",):
                _remove(merged, path)
    after = own or writer
    if own is None or own.paths != names:
        after.time = writer.time
    after.paths, after.api_version = names, writer.api_version
    write(merged, [after, *others])
    return merged


def _refuse(conflicts: list[tuple[Owner, Path]]) -> None:
    if not conflicts:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner.shown()}", "field": shown(path)}
        for owner, path in conflicts
    ]
    groups: dict[str, list[str]] = {}
    for owner, path in conflicts:
        groups.setdefault(owner.shown(), []).append(shown(path))
    parts = [
        f"conflict with {who}: {paths[0]}" if len(paths) == 1
        else f"conflicts with {who}:\n" + "\n".join(f"- {path}" for path in paths)
        for who, paths in groups.items()
    ]  # fmt: skip
    if len(parts) > 1:
        parts = [part.replace("conflict with ", "conflicts with ", 1).replace(": .", ":\n- .", 1) for part in parts]
    count = f"{len(conflicts)} conflict" + ("s" if len(conflicts) > 1 else "")
    raise StatusError(409, "Conflict", f"Apply failed with {count}: " + "\n".join(parts), {"causes": causes})


def _merge(live: Any, wanted: Any, name: str) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict) and not is_atomic(name):
        merged = dict(live)
        for one, value in wanted.items():
            if value is not None:
                merged[one] = _merge(live[one], value, one) if one in live else value
        return merged
    if isinstance(live, list) and isinstance(wanted, list):
        if is_set(name):
            return [*live, *[one for one in wanted if one not in live]]
        if keys := keys_of(name, wanted):
            rest = {key(item, keys): item for item in live}
            first = [_merge(rest.pop(key(item, keys), {}), item, "") for item in wanted]
            return [*first, *rest.values()]
    return wanted


def _remove(obj: Any, path: Path) -> None:
    """Takes a field or an item away; one that is not there (any more) is no matter."""
    trail: list[tuple[Any, Any]] = []
    node, name = obj, ""
    for step in path:
        if step.startswith("f:"):
            if not isinstance(node, dict) or step[2:] not in node:
                return
            name = step[2:]
            trail.append((node, name))
        else:
            if not isinstance(node, list):
                return
            at = next((at for at, item in enumerate(node) if _names(step, item, name, node)), None)
            if at is None:
                return
            trail.append((node, at))
        node = node[trail[-1][1]]
    holder, at = trail[-1]
    del holder[at]


def _names(step: str, item: Any, name: str, items: list[Any]) -> bool:
    if step.startswith("v:"):
        return bool(orjson.loads(step[2:]) == item)
    return key(item, keys_of(name, items)) == step
