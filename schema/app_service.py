"""App services: how one instance runs each service of its stack."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.rows.app_service import AppServiceRow, Runtime, VariableRow
from rules.enums import AppServiceState
from schema.fields import source
from schema.node import Node
from schema.service import Endpoint, ServiceRevision

if TYPE_CHECKING:
    from schema.instance import Instance
else:
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]


@strawberry.type(description="An environment variable set on an app service, over what its stack and service say.")
@source(VariableRow)
class Variable(Node):
    name: str = strawberry.field(description="Its name: letters, digits, `_`, `-` and `.`, not a digit first.")
    secret: bool = strawberry.field(description="Whether its value is kept encrypted and never shown.")
    value: str | None = strawberry.field(
        description="Its value; null for a secret one, which is written and never read back."
    )


@strawberry.type(description="How an app service was when its cluster was last looked at.")
@source(Runtime)
class AppServiceRuntime:
    ready: int | None = strawberry.field(description="Replicas that take requests; null until it was looked at.")
    desired: int | None = strawberry.field(description="Replicas that there should be; null until it was looked at.")
    reason: str = strawberry.field(description="Why not all are ready, in a sentence; empty when all is well.")
    observed_at: datetime.datetime | None = strawberry.field(
        description="When this was true; null when never looked at."
    )
    stale: bool = strawberry.field(
        description="Whether it may be out of date: its cluster is not CONNECTED, or this is older than 60 s."
    )


@strawberry.type(description="A stack service as one instance runs it, with what was set over the stack.")
@source(AppServiceRow)
class AppService(Node):
    instance: Instance = strawberry.field(description="The instance that runs it.")
    name: str = strawberry.field(description="Machine name, unique in the instance.")
    title: str = strawberry.field(description="Name for people.")
    type: str = strawberry.field(description="What it is, as in `Service.type`.")
    state: AppServiceState = strawberry.field(description="How it is, as far as deployments go.")
    main: bool = strawberry.field(description="Whether it is the one that people mean by the app.")
    required: bool = strawberry.field(description="Whether it cannot be switched off.")
    enabled: bool = strawberry.field(description="Whether it is switched on.")
    service_revision: ServiceRevision = strawberry.field(description="What it is to run.")
    deployed_revision: ServiceRevision | None = strawberry.field(
        description="What its last usable deployment runs; null when there is none yet."
    )
    option: str | None = strawberry.field(
        description="The version that is chosen, here or by the stack or service; null when the service has one only."
    )
    options: list[str] = strawberry.field(
        description="The versions to choose from; empty when the service has one only."
    )
    replicas: int = strawberry.field(description="How many replicas it is to have, here or by the stack: 0 to 100.")
    variables: list[Variable] = strawberry.field(description="The variables that were set on it, by name.")
    endpoints: list[Endpoint] = strawberry.field(description="Where it is reached inside the instance.")
    runtime: AppServiceRuntime = strawberry.field(description="How its pods are.")
    needs_redeploy: bool = strawberry.field(description="Whether it was changed since its last deployment.")
    version: int = strawberry.field(description="Counts the changes of its settings; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was added to its instance.")
