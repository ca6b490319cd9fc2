"""Field paths of objects, as managedFields has them: which fields there are, which list is keyed by what.

The keys and the atomic fields are those of the Kubernetes API's schema (`x-kubernetes-list-map-keys`,
`x-kubernetes-map-type`) for the kinds served here; every other list is atomic.
"""

from typing import Any

import orjson

from simulator.kinds import Object

Path = tuple[str, ...]
"""Steps of `f:<field>`, `k:<keys as JSON>` and `v:<value as JSON>`."""

_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",), "initContainers": ("name",), "ephemeralContainers": ("name",), "env": ("name",),
    "volumes": ("name",), "imagePullSecrets": ("name",), "secrets": ("name",), "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",), "hostAliases": ("ip",), "ownerReferences": ("uid",), "conditions": ("type",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}  # fmt: skip
_SETS = {"finalizers"}
_ATOMIC = {
    "selector", "podSelector", "labelSelector", "nodeSelector", "configMapKeyRef", "secretKeyRef", "fieldRef",
    "resourceFieldRef", "dataSource", "volumeClaimTemplates", "roleRef",
}  # fmt: skip
_UNOWNED = {
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
}  # fmt: skip
ITEM = object()
"""Stands for the value of a list item that has fields of its own."""


def keys_of(field: str, items: list[Any]) -> tuple[str, ...]:
    """The keys that tell the items of a list apart; none where the list is atomic."""
    if field == "ports" and items and isinstance(items[0], dict):
        return ("containerPort", "protocol") if "containerPort" in items[0] else ("port", "protocol")
    return _KEYS.get(field, ())


def is_set(field: str) -> bool:
    """Whether the list holds each value once and may be owned value by value."""
    return field in _SETS


def is_atomic(field: str) -> bool:
    """Whether the map belongs to one manager as a whole."""
    return field in _ATOMIC


def key(item: Object, keys: tuple[str, ...]) -> str:
    """The step that names an item of a keyed list."""
    values = {one: item.get(one, "TCP" if one == "protocol" else None) for one in keys}
    return "k:" + orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def leaves(obj: Object, *, status: bool = False) -> dict[Path, Any]:
    """Every field of the object that can be owned, with its value; of its status only, where `status` says so."""
    found: dict[Path, Any] = {}
    for name, value in obj.items():
        if name in {"apiVersion", "kind"} or (name == "status") is not status:
            continue
        if name == "metadata":
            value = {field: inner for field, inner in value.items() if field not in _UNOWNED}
            if not value:
                continue
        _walk(value, (f"f:{name}",), name, found)
    return found


def _walk(value: Any, path: Path, field: str, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value and not is_atomic(field):
        for name, inner in value.items():
            _walk(inner, (*path, f"f:{name}"), name, found)
    elif isinstance(value, list) and value and is_set(field):
        for one in value:
            found[(*path, "v:" + orjson.dumps(one).decode())] = one
    elif isinstance(value, list) and (keys := keys_of(field, value)):
        for item in value:
            step = (*path, key(item, keys))
            found[step] = ITEM
            for name, inner in item.items():
                _walk(inner, (*step, f"f:{name}"), name, found)
    elif value is not None:
        found[path] = value


def nested(paths: set[Path]) -> Object:
    """Paths as FieldsV1 writes them."""
    tree: Object = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node["."] = {}
    return tree


def flat(tree: Object) -> set[Path]:
    """The paths of a FieldsV1."""
    found: set[Path] = set()

    def walk(node: Object, path: Path) -> None:
        if not node or "." in node:
            found.add(path)
        for step, inner in node.items():
            if step != ".":
                walk(inner, (*path, step))

    if tree:
        walk(tree, ())
    return found


def closed(paths: set[Path]) -> set[Path]:
    """The paths and all that lead to them."""
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def shown(path: Path) -> str:
    """The path as messages write it: `.spec.containers[name="web"].image`."""
    text = ""
    for step in path:
        if step.startswith("f:"):
            text += f".{step[2:]}"
        elif step.startswith("v:"):
            text += f"[={step[2:]}]"
        else:
            pairs = orjson.loads(step[2:]).items()
            text += "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in pairs) + "]"
    return text
