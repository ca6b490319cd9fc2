"""What a DELETE makes of an object: nothing, or the same object on its way out."""

from typing import Any

import orjson

from simulator import errors
from simulator.kinds import NAMESPACES, PODS, Kind, Object

POLICIES = ("Foreground", "Background", "Orphan")
KEPT = ("default", "kube-public", "kube-system")
"""Namespaces that the API server does not let go."""


def unsupported(policy: Any) -> errors.StatusError:
    """The 422 for a propagationPolicy that does not exist."""
    why = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
    cause = {"reason": "FieldValueNotSupported", "message": why, "field": "propagationPolicy"}
    details = {"group": "meta.k8s.io", "kind": "DeleteOptions", "causes": [cause]}
    message = f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {why}'
    return errors.StatusError(422, "Invalid", message, details)


def check(kind: Kind, obj: Object, options: Object) -> None:
    """Raises the 409 of a precondition that does not hold."""
    meta, wanted = obj["metadata"], options.get("preconditions") or {}
    for field, shown in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if wanted.get(field) not in {None, "", meta.get(field)}:
            why = f"the {shown} in the precondition ({wanted[field]}) does not match the {shown} in record " \
                  f"({meta.get(field)}). The object might have been deleted and then recreated"  # fmt: skip
            if kind is NAMESPACES:
                why = f"Precondition failed: {shown} in precondition: {wanted[field]}, {shown} in object meta: " \
                      f"{meta.get(field)}"  # fmt: skip
                raise errors.conflict(kind, meta["name"], why)
            raise errors.changed(kind, meta["name"], why)


def waits(kind: Kind, obj: Object) -> bool:
    """Whether finalizers hold the object."""
    return bool(obj["metadata"].get("finalizers") or (kind is NAMESPACES and obj["spec"].get("finalizers")))


def leaving(kind: Kind, obj: Object, options: Object, now: str) -> Object | None:
    """The object as its deletion leaves it (itself when nothing changes); None when it can go at once."""
    meta = obj["metadata"]
    grace = _grace(kind, obj, options)
    finalizers = list(meta.get("finalizers") or [])
    policy = options.get("propagationPolicy")
    if policy in {"Foreground", "Orphan"} and not meta.get("deletionTimestamp"):
        mark = "foregroundDeletion" if policy == "Foreground" else "orphan"
        finalizers = [*finalizers, *([] if mark in finalizers else [mark])]
    if not grace and not finalizers and not waits(kind, obj):
        return None
    if meta.get("deletionTimestamp") and meta.get("deletionGracePeriodSeconds", 0) <= grace:
        return obj
    new: Object = orjson.loads(orjson.dumps(obj))
    new["metadata"].setdefault("deletionTimestamp", now)
    new["metadata"]["deletionGracePeriodSeconds"] = grace
    if finalizers:
        new["metadata"]["finalizers"] = finalizers
    if "generation" in meta:
        new["metadata"]["generation"] = meta["generation"] + 1
    if kind is NAMESPACES:
        del new["metadata"]["deletionGracePeriodSeconds"]
        new["status"]["phase"] = "Terminating"
    return new


def _grace(kind: Kind, obj: Object, options: Object) -> int:
    """Seconds that a pod is given; one that no node holds, or that has ended, needs none."""
    if kind is not PODS or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    asked: Any = options.get("gracePeriodSeconds")
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)
