"""Stacks, their draft and their published revisions."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import flag, identity, moment, reference, words


class Stack(Model):
    """Services put together."""

    id: str = identity("stk")
    organization: Any = reference("Organization")
    organization_id: str
    name: str = words()
    title: str = words()
    latest_number: int = fields.IntField(default=0)
    version: int = fields.IntField(default=1)
    created_at: datetime = moment()

    class Meta:
        table = "stack"


class StackRevision(Model):
    """A published revision, or the draft (which has no number)."""

    id: str = identity("srn")
    organization: Any = reference("Organization")
    organization_id: str
    stack: Any = reference("Stack")
    stack_id: str
    number: int | None = fields.IntField(null=True)
    source: str = words()
    manifest: Any = fields.JSONField()
    created_at: datetime = moment()
    published_at: datetime | None = moment(null=True)

    class Meta:
        table = "stack_revision"


class StackService(Model):
    """A service as one stack revision has it."""

    id: str = identity("sse")
    stack_revision: Any = reference("StackRevision")
    stack_revision_id: str
    position: int = fields.IntField()
    name: str = words()
    title: str = words()
    service_revision: Any = reference("ServiceRevision")
    service_revision_id: str
    pinned: bool = flag()
    required: bool = flag()
    disabled: bool = flag()
    main: bool = flag()

    class Meta:
        table = "stack_service"
