"""Services and their revisions."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Service(Model):
    """A versioned manifest."""

    id: str = identity("svc")
    organization: Any = reference("Organization")
    organization_id: str
    name: str = words()
    title: str = words()
    type: str = words()
    latest_number: int = fields.IntField(default=0)
    version: int = fields.IntField(default=1)
    created_at: datetime = moment()

    class Meta:
        table = "service"


class ServiceRevision(Model):
    """One immutable state of a service."""

    id: str = identity("srv")
    organization: Any = reference("Organization")
    organization_id: str
    service: Any = reference("Service")
    service_id: str
    number: int = fields.IntField()
    source: str = words()
    manifest: Any = fields.JSONField()
    created_at: datetime = moment()

    class Meta:
        table = "service_revision"
