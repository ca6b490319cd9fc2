"""The kinds that this cluster serves, and the documents in which it says so."""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""One Kubernetes object (or a part of one) as JSON has it."""

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: where it is served, and what it has besides its own document."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    status: bool = False
    scale: bool = False
    stored: bool = True
    short: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The name that messages use: `deployments.apps`, or `pods` in the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACES = Kind("", "v1", "Namespace", "namespaces", namespaced=False, status=True, short=("ns",))
PODS = Kind("", "v1", "Pod", "pods", status=True, short=("po",), more=("exec", "log"))
SERVICES = Kind("", "v1", "Service", "services", status=True, short=("svc",))
SECRETS = Kind("", "v1", "Secret", "secrets")
CONFIG_MAPS = Kind("", "v1", "ConfigMap", "configmaps", short=("cm",))
ACCOUNTS = Kind("", "v1", "ServiceAccount", "serviceaccounts", short=("sa",), more=("token",))
CLAIMS = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", status=True, short=("pvc",))
EVENTS = Kind("", "v1", "Event", "events", short=("ev",))
QUOTAS = Kind("", "v1", "ResourceQuota", "resourcequotas", status=True, short=("quota",))
LIMITS = Kind("", "v1", "LimitRange", "limitranges", short=("limits",))
NODES = Kind("", "v1", "Node", "nodes", namespaced=False, status=True, short=("no",))
DEPLOYMENTS = Kind("apps", "v1", "Deployment", "deployments", status=True, scale=True, short=("deploy",))
REPLICA_SETS = Kind("apps", "v1", "ReplicaSet", "replicasets", status=True, scale=True, short=("rs",))
STATEFUL_SETS = Kind("apps", "v1", "StatefulSet", "statefulsets", status=True, scale=True, short=("sts",))
DAEMON_SETS = Kind("apps", "v1", "DaemonSet", "daemonsets", status=True, short=("ds",))
JOBS = Kind("batch", "v1", "Job", "jobs", status=True)
ROLES = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDINGS = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
CLUSTER_ROLES = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDINGS = Kind(
    "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
STORAGE_CLASSES = Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False, short=("sc",))

KINDS = (
    NAMESPACES, PODS, SERVICES, SECRETS, CONFIG_MAPS, ACCOUNTS, CLAIMS, EVENTS, QUOTAS, LIMITS, NODES,
    Kind("", "v1", "Endpoints", "endpoints", short=("ep",)),
    DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, JOBS, STORAGE_CLASSES,
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short=("netpol",)),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", status=True, short=("ing",)),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", status=True, short=("pdb",)),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS,
    Kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False, stored=False),
    Kind("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", False, stored=False),
)  # fmt: skip

BY_PLURAL = {(kind.api_version, kind.plural): kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in KINDS}
STORED = tuple(kind for kind in KINDS if kind.stored)
GROUPS = tuple(dict.fromkeys((kind.group, kind.version) for kind in KINDS if kind.group))


_MORE = {"log": ("Pod", ["get"]), "exec": ("PodExecOptions", ["create", "get"]), "token": ("TokenRequest", ["create"])}


def resources(api_version: str) -> Object | None:
    """The APIResourceList of one group version, or None where there is no such group version."""
    kinds = [kind for kind in KINDS if kind.api_version == api_version]
    if not kinds:
        return None
    rows: list[Object] = []
    for kind in kinds:
        row: Object = {
            "name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name,
            "verbs": VERBS if kind.stored else ["create"],
        }  # fmt: skip
        if kind.short:
            row["shortNames"] = list(kind.short)
        rows.append(row)
        if kind.status:
            rows.append(_subresource(kind, "status", kind.name, ["get", "patch", "update"]))
        if kind.scale:
            scale = _subresource(kind, "scale", "Scale", ["get", "patch", "update"])
            rows.append(scale | {"group": "autoscaling", "version": "v1"})
        for name in kind.more:
            rows.append(_subresource(kind, name, *_MORE[name]))
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}


def _subresource(kind: Kind, name: str, shown: str, verbs: list[str]) -> Object:
    return {
        "name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced, "kind": shown,
        "verbs": verbs,
    }  # fmt: skip


def group(name: str, version: str) -> Object:
    """The APIGroup of one group."""
    shown = {"groupVersion": f"{name}/{version}", "version": version}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": [shown], "preferredVersion": shown}


def groups() -> Object:
    """The APIGroupList."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(*pair) for pair in GROUPS]}


def versions() -> Object:
    """The APIVersions of the core group."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
