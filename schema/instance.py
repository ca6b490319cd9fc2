"""Instances."""

import datetime
from enum import Enum

import strawberry

from resolvers.capabilities import Capability as CapabilityValue
from resolvers.list_changes import changed
from resolvers.lists import listed, nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.instance import Address, Confinement, Failure, Holding, InstanceRow
from rules.enums import InstanceState, PodSecurity
from schema.app import App
from schema.app_service import AppService
from schema.applied import AppliedObject
from schema.cluster import Cluster
from schema.deployment import Deployment
from schema.drift import InstanceDrift
from schema.environment import Environment
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.operation import Operation
from schema.stack import StackRevision
from schema.task import Task

_deployments = nested("Deployment", "instance_id", TimeOrder.NEWEST)
_tasks = nested("Task", "instance_id", TimeOrder.NEWEST)


@strawberry.enum(description="How an address is used; more kinds may come.")
class AddressKind(Enum):
    PORT_FORWARD = strawberry.enum_value(
        "PORT_FORWARD", description="The text is a command that opens a port on your machine."
    )


@strawberry.type(description="How to reach an instance.")
@source(Address)
class InstanceAddress:
    kind: AddressKind = strawberry.field(description="How the text is used.")
    text: str = strawberry.field(description="What to open or to run.")


@strawberry.type(description="Why an instance is errored, and what to do.")
@source(Failure)
class InstanceFailure:
    task: Task = strawberry.field(description="The task that failed.")
    summary: str = strawberry.field(description="What happened, in one sentence.")
    hint: str = strawberry.field(description="What to do about it.")


@strawberry.type(description="An object that holds the namespace up while it is deleted.")
@source(Holding)
class NamespaceHolding:
    kind: str = strawberry.field(description="The kind of object.")
    name: str = strawberry.field(
        description="Its name; empty when only the namespace itself says that something is left."
    )
    message: str = strawberry.field(description="What the cluster says about it; empty when it says nothing.")
    finalizers: list[str] = strawberry.field(description="What it waits for.")
    since: datetime.datetime | None = strawberry.field(
        description="Since when it is being deleted; null when it is not."
    )


@strawberry.type(description="What the pods of an instance may do: the strictest that all its services allow.")
@source(Confinement)
class InstancePodSecurity:
    level: PodSecurity = strawberry.field(description="The level that its namespace enforces.")
    reason: str = strawberry.field(description="Why this level, in one sentence.")
    services: list[str] = strawberry.field(
        description="The names of the services with a container that may start as root, which need BASELINE."
    )


@strawberry.type(description="Something that an instance can have, and whether this version of Berth gives it.")
@source(CapabilityValue)
class Capability:
    name: str = strawberry.field(description="What it is, in upper snake case; more may come.")
    available: bool = strawberry.field(description="Whether it is there.")
    reason: str = strawberry.field(description="Why it is not there, in one sentence; empty when it is.")


@strawberry.type(
    description="One isolated deployment of an app, in its own namespace. Its app decides who may see and change it."
)
@source(InstanceRow)
class Instance(Node):
    app: App = strawberry.field(description="The app that it deploys.")
    environment: Environment = strawberry.field(description="What it is for.")
    cluster: Cluster = strawberry.field(description="Where it runs.")
    stack_revision: StackRevision = strawberry.field(description="What it is to run.")
    deployed_stack_revision: StackRevision | None = strawberry.field(
        description="What its last usable deployment runs: behind `stackRevision` until an upgrade has come to a good "
        "end; null when there is none yet."
    )
    outdated: bool = strawberry.field(description="Whether its stack has a newer published revision.")
    name: str = strawberry.field(description="Permanent machine name, unique in the app.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    namespace: str = strawberry.field(
        description="Its Kubernetes namespace: `<app>-<instance>`, at most 63 characters."
    )
    state: InstanceState = strawberry.field(description="How it is.")
    state_since: datetime.datetime = strawberry.field(description="When it entered this state.")
    services: list[AppService] = strawberry.field(description="Its app services, in the stack's order.")
    operations: list[Operation] = strawberry.field(description="What you may do to it now. Only what exists is listed.")
    capabilities: list[Capability] = strawberry.field(description="What it can have, and what is not there yet.")
    address: InstanceAddress | None = strawberry.field(
        description="How to reach its main service; null when that has no endpoint or is switched off."
    )
    failure: InstanceFailure | None = strawberry.field(description="Why it is ERRORED; null in every other state.")
    holding: list[NamespaceHolding] = strawberry.field(
        description="What holds its namespace up while it is deleted; empty when nothing does."
    )
    pod_security: InstancePodSecurity | None = strawberry.field(
        description="What its pods may do; null before its namespace is made. A deployment changes it."
    )
    drift: InstanceDrift = strawberry.field(
        description="What has become of its objects in its cluster, and what is there besides. It is asked now, which "
        "takes up to ten seconds: an operation may ask for that of two instances."
    )
    manifests: list[AppliedObject] = strawberry.field(
        description="The Kubernetes objects that Berth applied last, known also while its cluster is away: first "
        "those of the instance as a whole, then each service's. Empty until something is applied."
    )
    cursor: str = strawberry.field(description="Its last event; a subscription to it may start after this.")
    version: int = strawberry.field(description="Counts the changes of its own fields; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was created.")
    deployments: Connection[Deployment] = resolved_by(
        _deployments, description="Its deployments, the newest first.", arguments=PAGING
    )
    tasks: Connection[Task] = resolved_by(_tasks, description="Its tasks, the newest first.", arguments=PAGING)


@strawberry.input(description="Which instances; conditions hold together.")
class InstanceFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    app: strawberry.ID | None = strawberry.field(default=None, description="Of the app with this id.")
    environment: strawberry.ID | None = strawberry.field(default=None, description="For the environment with this id.")
    cluster: strawberry.ID | None = strawberry.field(default=None, description="On the cluster with this id.")
    stack: strawberry.ID | None = strawberry.field(default=None, description="Running the stack with this id.")
    states: list[InstanceState] | None = strawberry.field(default=None, description="In one of these states.")
    outdated: bool | None = strawberry.field(default=None, description="Outdated, or not.")


_FILTERS = {
    "organization": "t.organization_id = {}",
    "app": "t.app_id = {}",
    "environment": "t.environment_id = {}",
    "cluster": "t.cluster_id = {}",
    "stack": "t.stack_revision_id IN (SELECT id FROM stack_revision WHERE stack_id = {})",
    "states": "t.state = ANY({})",
    "outdated": "EXISTS (SELECT FROM stack_revision r JOIN stack s ON s.id = r.stack_id "
    "WHERE r.id = t.stack_revision_id AND r.number < s.latest_number) = {}",
}

listed_instances = listed("Instance", _FILTERS, ListOrder.NEWEST)
changed_instances = changed("Instance", _FILTERS)
