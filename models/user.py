"""People, and what they are in organizations."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class User(Model):
    """Someone who signs in by tokens."""

    id: str = identity("usr")
    email: str = words()
    name: str = words()
    created_at: datetime = moment()

    class Meta:
        table = "user"


class Membership(Model):
    """A user in an organization, with a role."""

    id: str = identity("mbr")
    organization: Any = reference("Organization")
    organization_id: str
    user: Any = reference("User")
    user_id: str
    role: str = words()
    version: int = fields.IntField(default=1)
    created_at: datetime = moment()

    class Meta:
        table = "membership"
