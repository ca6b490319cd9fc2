"""Named environments."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Environment(Model):
    """A named environment with a fixed type."""

    id: str = identity("env")
    organization: Any = reference("Organization")
    organization_id: str
    name: str = words()
    title: str = words()
    type: str = words()
    version: int = fields.IntField(default=1)
    created_at: datetime = moment()

    class Meta:
        table = "environment"
