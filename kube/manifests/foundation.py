"""What every instance has before any service: the namespace, its limits, its account, and who may reach its pods."""

from typing import Any, Literal

from catalogue.release import InstancePlan
from kube.labels import INSTALLATION, INSTANCE, ORGANIZATION, PREFIX, Identity, labels
from kube.manifests.bounds import Amount, Need, limits, quota
from settings import settings

Level = Literal["baseline", "restricted"]

ACCOUNT = "berth-app"

# Where ingress controllers usually live. Any other namespace is let in by the label `berth.dev/ingress: "true"`.
INGRESS_NAMESPACES = (
    "ingress-nginx",
    "traefik",
    "kube-system",
    "envoy-gateway-system",
    "istio-system",
    "projectcontour",
)
INGRESS = f"{PREFIX}/ingress"
PUBLIC = f"{PREFIX}/public"


def level_of(plan: InstancePlan) -> Level:
    """The strictest level of pod security that every service of the plan allows: a container that may start as root
    needs "baseline".
    """
    return "baseline" if plan.rooted else "restricted"


def security_labels(level: Level) -> dict[str, str]:
    """The labels by which a namespace enforces this level; what "restricted" would refuse is warned about anyway."""
    return {
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
    }


def namespace(identity: Identity, level: Level = "baseline") -> dict[str, Any]:
    """The namespace's body. Its annotations prove whose it is: this installation's, this instance's."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": identity.namespace,
            "labels": labels(identity) | security_labels(level),
            "annotations": {
                INSTALLATION: identity.installation,
                INSTANCE: identity.instance_id,
                ORGANIZATION: identity.organization_id,
            },
        },
    }


def foundation(identity: Identity, needed: Need) -> list[dict[str, Any]]:
    """The namespace's own objects, in the order in which they are applied: limits, ways in, account."""
    return [
        _made(identity, "v1", "ResourceQuota", "berth", spec=quota(needed, most())),
        _made(identity, "v1", "LimitRange", "berth", spec=limits(needed)),
        _made(identity, "networking.k8s.io/v1", "NetworkPolicy", "berth-default-deny", spec=_deny()),
        _made(identity, "networking.k8s.io/v1", "NetworkPolicy", "berth-same-namespace", spec=_same_namespace()),
        _made(identity, "networking.k8s.io/v1", "NetworkPolicy", "berth-ingress", spec=_from_ingress()),
        _made(identity, "v1", "ServiceAccount", ACCOUNT, automountServiceAccountToken=False),
    ]


def most() -> Amount:
    """What an instance may take at most, as the operator has set it."""
    found = settings()
    memory = found.quota_memory * 1024
    return Amount(found.quota_pods, found.quota_volumes, found.quota_cpu * 1000, memory, memory, found.quota_storage)


def _made(identity: Identity, api_version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": identity.namespace, "labels": labels(identity)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _deny() -> dict[str, Any]:
    return {"podSelector": {}, "policyTypes": ["Ingress"]}


def _same_namespace() -> dict[str, Any]:
    return {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}


def _from_ingress() -> dict[str, Any]:
    known = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(INGRESS_NAMESPACES)}
        ]
    }
    return {
        "podSelector": {"matchLabels": {PUBLIC: "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"namespaceSelector": known}, {"namespaceSelector": {"matchLabels": {INGRESS: "true"}}}]}
        ],
    }
