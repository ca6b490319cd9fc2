"""Who may do what: roles and their bindings, as RBAC reads them."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator import errors
from simulator.accounts import MASTERS, User
from simulator.errors import StatusError
from simulator.kinds import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Kind, Object
from simulator.store import Store


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody wants to do. `resource` is the plural, with a subresource behind a slash."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def may(store: Store, user: User, deed: Deed) -> str | None:
    """Why the user may do it, in the words of RBAC; None where nothing allows it."""
    if MASTERS in user.groups:
        return ""
    for kind, binding in _bindings(store, deed.namespace):
        subject = next((one for one in binding.get("subjects") or [] if _is(user, one, binding)), None)
        if subject is None:
            continue
        if any(_covers(rule, deed) for rule in _rules(store, binding)):
            return f"RBAC: allowed by {kind.name} {_shown(binding['metadata'])} of {binding['roleRef']['kind']} " \
                   f'"{binding["roleRef"]["name"]}" to {subject["kind"]} {_shown(subject)}'  # fmt: skip
    return None


def refusal(user: User, deed: Deed, kind: Kind) -> StatusError:
    """The 403 that tells what the user may not do."""
    where = f'in the namespace "{deed.namespace}"' if deed.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {deed.verb} resource "{deed.resource}" in API group "{deed.group}" {where}'
    return errors.forbidden(kind, deed.name, why)


def _bindings(store: Store, namespace: str) -> Iterator[tuple[Kind, Object]]:
    for binding in store.objects(CLUSTER_ROLE_BINDINGS):
        yield CLUSTER_ROLE_BINDINGS, binding
    if namespace:
        for binding in store.objects(ROLE_BINDINGS, namespace):
            yield ROLE_BINDINGS, binding


def _is(user: User, subject: Object, binding: Object) -> bool:
    if subject["kind"] == "ServiceAccount":
        namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
        return user.name == f"system:serviceaccount:{namespace}:{subject['name']}"
    return subject["name"] in user.groups if subject["kind"] == "Group" else subject["name"] == user.name


def _rules(store: Store, binding: Object) -> list[Object]:
    reference = binding["roleRef"]
    if reference["kind"] == "ClusterRole":
        found = store.get(CLUSTER_ROLES, "", reference["name"])
    else:
        found = store.get(ROLES, binding["metadata"]["namespace"], reference["name"])
    return list(found.obj.get("rules") or []) if found else []


def _covers(rule: Object, deed: Deed) -> bool:
    def has(field: str, *wanted: str) -> bool:
        return bool(set(rule.get(field) or []) & {"*", *wanted})

    resource, _, sub = deed.resource.partition("/")
    names = rule.get("resourceNames") or []
    return (
        has("verbs", deed.verb)
        and has("apiGroups", deed.group)
        and has("resources", deed.resource, *([f"*/{sub}"] if sub else [resource]))
        and (not names or deed.name in names)
    )


def _shown(meta: Object) -> str:
    namespace = meta.get("namespace", "")
    return f'"{meta["name"]}/{namespace}"' if namespace else f'"{meta["name"]}"'
