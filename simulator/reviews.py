"""Answers about the one who asks: may I, and who am I."""

from simulator.access import Deed, may
from simulator.accounts import User
from simulator.kinds import GROUPS, KINDS, Kind, Object
from simulator.state import State


def review(kind: Kind, body: Object, state: State, user: User) -> Object:
    """A SelfSubjectAccessReview or SelfSubjectReview, answered; `deny` faults take permissions away from everybody."""
    if kind.name == "SelfSubjectReview":
        info = {"username": user.name, "groups": list(user.groups)} | ({"uid": user.uid} if user.uid else {})
        return {**body, "status": {"userInfo": info}}
    asked = (body.get("spec") or {}).get("resourceAttributes") or {}
    verb = asked.get("verb") or "*"
    other = (body.get("spec") or {}).get("nonResourceAttributes")
    why: str | None = ""
    if not other:
        resource = "/".join(part for part in (asked.get("resource") or "*", asked.get("subresource")) if part)
        names = asked.get("namespace") or "", asked.get("name") or ""
        why = may(state.store, user, Deed(verb, asked.get("group") or "", resource, *names))
    if any(state.faults.active("deny", verb, path) for path in ([other["path"]] if other else _paths(asked))):
        why = None
    status: Object = {"allowed": why is not None} | ({"reason": why} if why else {})
    return {**body, "status": status}


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
