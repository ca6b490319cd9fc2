"""Deployments."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Deployment(Model):
    """One rollout of an instance at one stack revision."""

    id: str = identity("dpl")
    organization: Any = reference("Organization")
    organization_id: str
    instance: Any = reference("Instance")
    instance_id: str
    stack_revision: Any = reference("StackRevision")
    stack_revision_id: str
    task: Any = reference("Task")
    task_id: str
    number: int = fields.IntField()
    state: str = words("PENDING")
    created_at: datetime = moment()
    started_at: datetime | None = moment(null=True)
    ended_at: datetime | None = moment(null=True)

    class Meta:
        table = "deployment"
