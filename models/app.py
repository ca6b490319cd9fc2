"""Apps."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class App(Model):
    """One stack, one owner, any number of instances."""

    id: str = identity("app")
    organization: Any = reference("Organization")
    organization_id: str
    project: Any = reference("Project", null=True)
    project_id: str | None
    stack: Any = reference("Stack")
    stack_id: str
    name: str = words()
    title: str = words()
    version: int = fields.IntField(default=1)
    seq: int = fields.BigIntField(default=0)
    created_at: datetime = moment()
    deleted_at: datetime | None = moment(null=True)

    class Meta:
        table = "app"
