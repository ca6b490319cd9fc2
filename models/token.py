"""Tokens, kept as hashes."""

from datetime import datetime
from typing import Any

from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Token(Model):
    """What a client proves itself with; may be narrowed to an organization, app or instance."""

    id: str = identity("tok")
    user: Any = reference("User")
    user_id: str
    organization: Any = reference("Organization", null=True)
    organization_id: str | None
    app: Any = reference("App", null=True)
    app_id: str | None
    instance: Any = reference("Instance", null=True)
    instance_id: str | None
    name: str = words()
    hash: str = words()
    scope: str = words()
    created_at: datetime = moment()
    expires_at: datetime | None = moment(null=True)
    revoked_at: datetime | None = moment(null=True)

    class Meta:
        table = "token"
