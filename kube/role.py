"""The rights that Berth needs in a cluster, and the role that grants exactly these: the one place that lists them."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import yaml

from kube.resources import GATEWAY_CLASS, INGRESS_CLASS, STORAGE_CLASS, WORKLOADS, WRITTEN, Resource

NAME = "berth"
LABELS = {"app.kubernetes.io/name": "berth"}
_RBAC = "rbac.authorization.k8s.io"
_WRITE = ("get", "list", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a resource; `group` is "" for the core group. What is not `needed` only lets tests say more."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    needed: bool = True

    @property
    def shown(self) -> str:
        """The resource as kubectl writes it: "pods/log", "deployments.apps"."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


def _on(resource: Resource, verbs: tuple[str, ...], *, needed: bool = True) -> Right:
    return Right(resource.api_version.rpartition("/")[0], resource.plural, verbs, needed)


# In every namespace, for Berth makes its own.
RIGHTS = (
    Right("", "namespaces", ("get", "list", "watch", "create", "patch", "delete")),
    *(_on(resource, _WRITE) for resource in WRITTEN),
    *(_on(resource, ("watch",)) for resource in WORKLOADS),
    Right("", "pods", ("get", "list", "watch")),
    Right("", "pods/log", ("get",)),
    Right("", "events", ("get", "list")),
    _on(STORAGE_CLASS, ("list",)),
    *(_on(resource, ("list",), needed=False) for resource in (INGRESS_CLASS, GATEWAY_CLASS)),
)


def rules() -> list[dict[str, Any]]:
    """The rules of the role: one for the resources of a group that need the same verbs."""

    def same(right: Right) -> tuple[str, tuple[str, ...]]:
        return right.group, right.verbs

    return [
        {"apiGroups": [group], "resources": sorted(right.resource for right in rights), "verbs": list(verbs)}
        for (group, verbs), rights in groupby(sorted(RIGHTS, key=same), same)
    ]


def role(name: str = NAME) -> dict[str, Any]:
    """The role."""
    metadata = {"name": name, "labels": LABELS}
    return {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules()}


def binding(account: str, name: str = NAME) -> dict[str, Any]:
    """What gives the role to an account, named as the cluster names it ("system:serviceaccount:ns:name", "ada")."""
    prefix, _, place = account.partition("system:serviceaccount:")
    namespace, _, own = place.partition(":")
    if not prefix and own:
        subject = {"kind": "ServiceAccount", "name": own, "namespace": namespace}
    else:
        subject = {"apiGroup": _RBAC, "kind": "User", "name": account}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": LABELS},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    }


def manifest(account: str = "", name: str = NAME) -> str:
    """The role as YAML, to be read and applied; with an account, also what gives it the role."""
    made = [role(name), binding(account, name)] if account else [role(name)]
    return yaml.safe_dump_all(made, sort_keys=False)
