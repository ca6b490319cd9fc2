"""Deployments."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from resolvers.nouns import Noun, one
from resolvers.rows.stack import StackRevisionRow
from resolvers.rows.task import TaskRow

if TYPE_CHECKING:
    from resolvers.rows.instance import InstanceRow


@dataclass(slots=True, eq=False)
class DeploymentRow:
    id: str
    instance_id: str
    stack_revision_id: str
    task_id: str
    number: int
    state: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    instance: "InstanceRow | None" = field(init=False)
    stack_revision: StackRevisionRow = field(init=False)
    task: TaskRow = field(init=False)


DEPLOYMENT = Noun(
    "Deployment",
    "deployment",
    DeploymentRow,
    {
        "instance": one("Instance", "instance", "instance_id", reached=False),
        "stackRevision": one("StackRevision", "stack_revision", "stack_revision_id"),
        "task": one("Task", "task", "task_id"),
    },
    live="EXISTS (SELECT FROM instance i WHERE i.id = t.instance_id AND i.deleted_at IS NULL)",
)
