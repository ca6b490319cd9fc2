"""Clusters, and the namespaces given up on them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from resolvers.nouns import Noun, one
from resolvers.rows.organization import OrganizationRow
from rules.enums import ClusterState

STALE_AFTER = timedelta(seconds=60)
"""How old knowledge of a cluster may be and still be called current: the status writer renews it well within that."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at on a cluster."""

    name: str
    passed: bool
    needed: bool
    message: str
    remedy: str
    missing: list[str]
    role_manifest: str | None


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a cluster is left alone because it does not answer."""

    state: str
    reason: str
    since: datetime | None
    next_try_at: datetime | None


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
    state_since: datetime
    synced_at: datetime | None
    breaker_state: str
    breaker_reason: str
    breaker_since: datetime | None
    breaker_next_try: datetime | None
    checks_json: str
    checked_at: datetime | None
    version: int
    number: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)

    @property
    def cursor(self) -> str:
        """The number of its last event, to follow after."""
        return str(self.number)

    @property
    def stale(self) -> bool:
        """Whether what is shown of what is on it may be out of date."""
        if self.state != ClusterState.CONNECTED or self.synced_at is None:
            return True
        return datetime.now(UTC) - self.synced_at > STALE_AFTER

    @property
    def breaker(self) -> Breaker:
        """Whether it is being left alone."""
        return Breaker(self.breaker_state, self.breaker_reason, self.breaker_since, self.breaker_next_try)

    @property
    def checks(self) -> list[Check]:
        """What was looked at last."""
        return [
            Check(
                name=item["name"],
                passed=item["passed"],
                needed=item.get("needed", True),
                message=item["message"],
                remedy=item.get("remedy", ""),
                missing=item.get("missing", []),
                role_manifest=item.get("role_manifest") or None,
            )
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
    renamed={"reason": "state_reason", "breaker_state": "breaker", "number": "seq", "checks_json": "checks"},
)
ABANDONED_NAMESPACE = Noun(
    "AbandonedNamespace",
    "abandoned_namespace",
    AbandonedNamespaceRow,
    {"cluster": one("Cluster", "cluster", "cluster_id")},
    renamed={"name": "namespace", "uid": "namespace_uid"},
)
