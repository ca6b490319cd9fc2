"""Answers about the one who asks: may I, and who am I."""

from simulator.faults import Faults
from simulator.kinds import GROUPS, KINDS, Kind, Object


def review(kind: Kind, body: Object, faults: Faults) -> Object:
    """A SelfSubjectAccessReview or SelfSubjectReview, answered; `deny` faults are the only permissions missing."""
    if kind.name == "SelfSubjectReview":
        return {**body, "status": {"userInfo": {"username": "simulator", "groups": ["system:authenticated"]}}}
    asked = (body.get("spec") or {}).get("resourceAttributes") or {}
    verb = asked.get("verb") or "*"
    other = (body.get("spec") or {}).get("nonResourceAttributes")
    denied = any(faults.active("deny", verb, path) for path in ([other["path"]] if other else _paths(asked)))
    return {**body, "status": {"allowed": False, "reason": ""} if denied else {"allowed": True}}


def _paths(asked: Object) -> list[str]:
    """The paths that requests for these attributes would have."""
    group, plural = asked.get("group") or "", asked.get("resource") or ""
    versions = [pair[1] for pair in GROUPS if pair[0] == group] or ["v1"]
    heads = [f"/apis/{group}/{version}" if group else f"/api/{version}" for version in versions]
    known = next((kind for kind in KINDS if kind.plural == plural and kind.group == group), None)
    namespace = asked.get("namespace") or ""
    where = f"/namespaces/{namespace}" if namespace and known is not None and known.namespaced else ""
    rest = "".join(f"/{part}" for part in (plural, asked.get("name"), asked.get("subresource")) if part)
    return [head + where + rest for head in heads]
