"""Kubernetes clusters."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.lists import listed, nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.cluster import AbandonedNamespaceRow, Breaker, Check, ClusterRow
from rules.enums import BreakerState, ClusterKind, ClusterState
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.organization import Organization

if TYPE_CHECKING:
    from schema.instance import Instance
else:
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]

_abandoned = nested("AbandonedNamespace", "cluster_id", TimeOrder.NEWEST)
_instances = nested("Instance", "cluster_id", ListOrder.NAME)


@strawberry.type(description="One thing that was looked at on a cluster.")
@source(Check)
class ClusterCheck:
    name: str = strawberry.field(
        description="What was looked at: `version`, `permissions`, `storage`, `ingress`, `metrics`, or, when nothing "
        "else could be, `connection`; more may come."
    )
    passed: bool = strawberry.field(description="Whether it is as it should be.")
    needed: bool = strawberry.field(description="Whether Berth cannot work without it; else it is mere advice.")
    message: str = strawberry.field(description="What was found, in a sentence.")
    remedy: str = strawberry.field(description="What to do about it; empty when it passed.")
    missing: list[str] = strawberry.field(
        description="Every right that the account lacks, such as `create secrets` or `get pods/log`."
    )
    role_manifest: str | None = strawberry.field(
        description="YAML of the role that Berth needs and of what gives it to the account, to be read and applied; "
        "null unless rights are missing."
    )


@strawberry.type(
    description="A cluster that leaves some requests unanswered in a row is left alone, but for one request now and "
    "then, and every operation on it fails at once with CLUSTER_UNAVAILABLE, or waits. This is how the worker sees it "
    "that watches the cluster; other processes find out by themselves."
)
@source(Breaker)
class ClusterBreaker:
    state: BreakerState = strawberry.field(description="Whether it is left alone.")
    reason: str = strawberry.field(description="What its last request met; empty while the breaker is CLOSED.")
    since: datetime.datetime | None = strawberry.field(
        description="Since when it has not answered; null while the breaker is CLOSED."
    )
    next_try_at: datetime.datetime | None = strawberry.field(
        description="When it is asked again; null when that is now, or the breaker is CLOSED."
    )


@strawberry.type(
    description="A namespace that a forced deletion may have left on its cluster. Its name is blocked until it "
    "is gone; Berth tries again when the cluster answers."
)
@source(AbandonedNamespaceRow)
class AbandonedNamespace(Node):
    cluster: "Cluster" = strawberry.field(description="The cluster that it may still be on.")
    name: str = strawberry.field(description="The namespace's name.")
    uid: str | None = strawberry.field(description="The namespace's UID, as far as it was known.")
    created_at: datetime.datetime = strawberry.field(description="When it was given up.")


@strawberry.type(
    description="A Kubernetes cluster. Its kubeconfig is written and never read back; `uid` says which cluster it is."
)
@source(ClusterRow)
class Cluster(Node):
    organization: Organization = strawberry.field(description="The organization that it belongs to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    kind: ClusterKind = strawberry.field(description="How it is reached.")
    server: str = strawberry.field(description="The address of its API; empty where the kind says it all.")
    uid: str = strawberry.field(
        description="The UID of its kube-system namespace: the same cluster has the same one everywhere."
    )
    kubernetes_version: str = strawberry.field(description="Its version as it says itself; empty until it answered.")
    state: ClusterState = strawberry.field(description="How well it can be reached and watched.")
    reason: str = strawberry.field(description="Why it is in this state, in a sentence; empty when all is well.")
    state_since: datetime.datetime = strawberry.field(description="When it entered this state.")
    synced_at: datetime.datetime | None = strawberry.field(
        description="When all that is shown of what is on it was last known to hold; null when it never was."
    )
    stale: bool = strawberry.field(
        description="Whether what is shown of what is on it may be out of date: it is not CONNECTED, or `syncedAt` is "
        "older than 60 s."
    )
    breaker: ClusterBreaker = strawberry.field(description="Whether it is left alone because it does not answer.")
    checks: list[ClusterCheck] = strawberry.field(description="What was found when it was looked at last.")
    checked_at: datetime.datetime | None = strawberry.field(description="When it was looked at last; null when never.")
    cursor: str = strawberry.field(description="Its last event; a subscription to it may start after this.")
    version: int = strawberry.field(description="Counts the changes of its own fields; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was registered.")
    instances: Connection[Instance] = resolved_by(
        _instances, description="Instances on it that you may see, by name.", arguments=PAGING
    )
    abandoned_namespaces: Connection[AbandonedNamespace] = resolved_by(
        _abandoned, description="What forced deletions may have left on it, the newest first.", arguments=PAGING
    )


@strawberry.input(description="Which clusters; conditions hold together.")
class ClusterFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    states: list[ClusterState] | None = strawberry.field(default=None, description="In one of these states.")
    kinds: list[ClusterKind] | None = strawberry.field(default=None, description="Reached in one of these ways.")


listed_clusters = listed(
    "Cluster",
    {"organization": "t.organization_id = {}", "states": "t.state = ANY({})", "kinds": "t.kind = ANY({})"},
    ListOrder.NAME,
)
