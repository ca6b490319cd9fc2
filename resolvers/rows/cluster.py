"""Clusters, and the namespaces given up on them."""

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from resolvers.nouns import Noun, one
from resolvers.rows.organization import OrganizationRow


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at on a cluster."""

    name: str
    passed: bool
    message: str


@dataclass(slots=True, eq=False)
class ClusterRow:
    id: str
    organization_id: str
    name: str
    title: str
    kind: str
    server: str
    uid: str
    kubernetes_version: str
    state: str
    reason: str
    since: datetime
    checks_json: str
    checked_at: datetime | None
    version: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)

    @property
    def checks(self) -> list[Check]:
        """What was looked at last."""
        return [
            Check(item.get("name", ""), bool(item.get("passed")), item.get("message", ""))
            for item in orjson.loads(self.checks_json)
        ]


@dataclass(slots=True, eq=False)
class AbandonedNamespaceRow:
    id: str
    organization_id: str
    cluster_id: str
    name: str
    uid: str | None
    instance_id: str
    task_id: str
    created_at: datetime
    cluster: ClusterRow = field(init=False)


_ORGANIZATION = one("Organization", "organization", "organization_id")
CLUSTER = Noun(
    "Cluster",
    "cluster",
    ClusterRow,
    {"organization": _ORGANIZATION},
    live="t.removed_at IS NULL",
    renamed={"reason": "state_reason", "since": "state_since", "checks_json": "checks"},
)
ABANDONED_NAMESPACE = Noun(
    "AbandonedNamespace",
    "abandoned_namespace",
    AbandonedNamespaceRow,
    {"cluster": one("Cluster", "cluster", "cluster_id")},
    renamed={"name": "namespace", "uid": "namespace_uid"},
)
