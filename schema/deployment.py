"""Deployments."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.rows.deployment import DeploymentRow
from rules.enums import DeploymentState
from schema.fields import source
from schema.node import Node
from schema.stack import StackRevision
from schema.task import Task

if TYPE_CHECKING:
    from schema.instance import Instance
else:
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]


@strawberry.type(description="One rollout of an instance at one stack revision.")
@source(DeploymentRow)
class Deployment(Node):
    instance: Instance | None = strawberry.field(description="The instance; null when it is gone.")
    number: int = strawberry.field(description="Counts the instance's deployments from 1.")
    state: DeploymentState = strawberry.field(description="How it is.")
    stack_revision: StackRevision = strawberry.field(description="What it rolls out.")
    task: Task = strawberry.field(description="The task that carries it out.")
    created_at: datetime.datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime.datetime | None = strawberry.field(description="When it began; null until then.")
    ended_at: datetime.datetime | None = strawberry.field(description="When it ended; null until then.")
