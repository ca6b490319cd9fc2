"""Organizations and their projects."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Organization(Model):
    """The top scope: everything belongs to one."""

    id: str = identity("org")
    name: str = words()
    title: str = words()
    version: int = fields.IntField(default=1)
    seq: int = fields.BigIntField(default=0)
    created_at: datetime = moment()

    class Meta:
        table = "organization"


class Project(Model):
    """A part of an organization that may own apps."""

    id: str = identity("prj")
    organization: Any = reference("Organization")
    organization_id: str
    name: str = words()
    title: str = words()
    created_at: datetime = moment()

    class Meta:
        table = "project"
