"""Instances of apps."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Instance(Model):
    """One isolated deployment of an app, in one namespace on one cluster."""

    id: str = identity("ins")
    organization: Any = reference("Organization")
    organization_id: str
    app: Any = reference("App")
    app_id: str
    environment: Any = reference("Environment", null=True)  # null only when it is deleted
    environment_id: str | None
    cluster: Any = reference("Cluster")
    cluster_id: str
    stack_revision: Any = reference("StackRevision")
    stack_revision_id: str
    deployed_stack_revision: Any = reference("StackRevision", null=True)
    deployed_stack_revision_id: str | None
    name: str = words()
    title: str = words()
    namespace: str = words()
    cluster_uid: str = words()
    namespace_uid: str | None = fields.TextField(null=True)
    state: str = words()
    state_before: str | None = fields.TextField(null=True)
    state_since: datetime = moment()
    failed_task_id: str | None = fields.TextField(null=True)
    holding: Any = fields.JSONField(default=list)
    pod_security: str | None = fields.TextField(null=True)
    rooted_services: Any = fields.JSONField(default=list)
    inventory: Any = fields.JSONField(default=list)
    version: int = fields.IntField(default=1)
    seq: int = fields.BigIntField(default=0)
    created_at: datetime = moment()
    deleted_at: datetime | None = moment(null=True)

    class Meta:
        table = "instance"
