"""The kinds of objects that Berth writes or reads, and where the API keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """`order` is the step in which objects of this kind are applied; they are pruned in the opposite order."""

    api_version: str
    kind: str
    plural: str
    order: int = 0
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
        """The path of the collection, or of one object or subresource when `name` is given."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        parts = [root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, sub) if part]
        return "/".join(parts)


NAMESPACE = Resource("v1", "Namespace", "namespaces", 0, False)
RESOURCE_QUOTA = Resource("v1", "ResourceQuota", "resourcequotas", 1)
LIMIT_RANGE = Resource("v1", "LimitRange", "limitranges", 1)
NETWORK_POLICY = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", 1)
SERVICE_ACCOUNT = Resource("v1", "ServiceAccount", "serviceaccounts", 1)
SECRET = Resource("v1", "Secret", "secrets", 2)
CONFIG_MAP = Resource("v1", "ConfigMap", "configmaps", 2)
CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims", 3)
SERVICE = Resource("v1", "Service", "services", 4)
DISRUPTION_BUDGET = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", 4)
DEPLOYMENT = Resource("apps/v1", "Deployment", "deployments", 5)
STATEFUL_SET = Resource("apps/v1", "StatefulSet", "statefulsets", 5)
DAEMON_SET = Resource("apps/v1", "DaemonSet", "daemonsets", 5)
POD = Resource("v1", "Pod", "pods", 6)
EVENT = Resource("v1", "Event", "events", 6)
STORAGE_CLASS = Resource("storage.k8s.io/v1", "StorageClass", "storageclasses", 0, False)
INGRESS_CLASS = Resource("networking.k8s.io/v1", "IngressClass", "ingressclasses", 0, False)
GATEWAY_CLASS = Resource("gateway.networking.k8s.io/v1", "GatewayClass", "gatewayclasses", 0, False)

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
WRITTEN = (
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    NETWORK_POLICY,
    SERVICE_ACCOUNT,
    SECRET,
    CONFIG_MAP,
    CLAIM,
    SERVICE,
    DISRUPTION_BUDGET,
    *WORKLOADS,
)
_BY_KIND = {resource.kind: resource for resource in (NAMESPACE, *WRITTEN, POD, EVENT, STORAGE_CLASS)}


def resource_of(manifest: Mapping[str, Any]) -> Resource:
    """The resource of an object by its kind. Raises KeyError for a kind that Berth does not write or read."""
    return _BY_KIND[manifest["kind"]]


def of_kind(kind: str) -> Resource:
    return _BY_KIND[kind]
