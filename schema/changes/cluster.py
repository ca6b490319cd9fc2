"""Changes of clusters."""

import strawberry

from resolvers.changes import Changed
from rules.enums import ClusterKind
from schema.cluster import Cluster
from schema.fields import source
from schema.payloads import EXPECTED, Change, Payload, changed

_KUBECONFIG = (
    "A kubeconfig with data only: nothing in it may run a program, name a file or weaken TLS, and its address must be "
    "public unless the operator allows others. It is kept encrypted and never shown."
)


@strawberry.input(description="A Kubernetes cluster. It is kept when it answers and lets Berth do what it needs to.")
class RegisterClusterInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that it will belong to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str | None = strawberry.field(default=None, description="Name for people; its machine name when left out.")
    kind: ClusterKind = strawberry.field(default=ClusterKind.KUBECONFIG, description="How it is reached.")
    kubeconfig: str | None = strawberry.field(default=None, description=_KUBECONFIG)


@strawberry.input(description="A change of a cluster; what is left out stays as it is.")
class UpdateClusterInput(Change):
    id: strawberry.ID = strawberry.field(description="The cluster.")
    title: str | None = strawberry.field(default=None, description="Name for people.")
    kubeconfig: str | None = strawberry.field(
        default=None, description=f"Another way to the same cluster; another cluster is refused. {_KUBECONFIG}"
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="A cluster that Berth is to forget. No instance may live on it; nothing on it changes.")
class RemoveClusterInput(Change):
    id: strawberry.ID = strawberry.field(description="The cluster.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="A cluster that is to be looked at now.")
class TestClusterInput(Change):
    id: strawberry.ID = strawberry.field(description="The cluster.")


@strawberry.type(description="What came of a change of a cluster.")
@source(Changed)
class ClusterPayload(Payload):
    cluster: Cluster | None = changed("cluster", description="The cluster; null when refused.")
