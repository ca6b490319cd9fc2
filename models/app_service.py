"""App services with their overrides."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import flag, identity, moment, reference, words


class AppService(Model):
    """A stack service as one instance runs it."""

    id: str = identity("aps")
    organization: Any = reference("Organization")
    organization_id: str
    app: Any = reference("App")
    app_id: str
    instance: Any = reference("Instance")
    instance_id: str
    service_revision: Any = reference("ServiceRevision")
    service_revision_id: str
    position: int = fields.IntField()
    name: str = words()
    title: str = words()
    type: str = words()
    required: bool = flag()
    main: bool = flag()
    enabled: bool = flag()
    replicas: int | None = fields.IntField(null=True)
    option_version: str | None = fields.TextField(null=True)
    state: str = words("NEW")
    deployed_revision: Any = reference("ServiceRevision", null=True)
    deployed_revision_id: str | None
    needs_redeploy: bool = flag(default=False)
    ready: int | None = fields.IntField(null=True)
    desired: int | None = fields.IntField(null=True)
    reason: str = words("")
    observed_at: datetime | None = moment(null=True)
    version: int = fields.IntField(default=1)
    created_at: datetime = moment()

    class Meta:
        table = "app_service"


class AppServiceToken(Model):
    """A value made once for an app service, such as a password."""

    id: str = identity("val")
    app_service: Any = reference("AppService")
    app_service_id: str
    name: str = words()
    sealed: str = words()

    class Meta:
        table = "app_service_token"


class Variable(Model):
    """An environment variable set on an app service; `sealed` when it is secret."""

    id: str = identity("var")
    app_service: Any = reference("AppService")
    app_service_id: str
    name: str = words()
    value: str | None = fields.TextField(null=True)
    sealed: str | None = fields.TextField(null=True)

    class Meta:
        table = "variable"
