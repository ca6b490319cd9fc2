"""How instances are changed."""

import strawberry

from resolvers.changes import Changed
from rules.enums import OnConflict
from schema.fields import source
from schema.instance import Instance
from schema.payloads import Change, Payload, changed
from schema.task import Task

_FORCE = "Take over fields of objects that something else in the cluster has set."
_DELETE_CLAIMS = (
    "Delete also the volume claims, and with them the data, of services and volumes that are no longer part of it. "
    "Without it they stay. The claims of a service that is only switched off always stay."
)
_VERSION = "The version that the caller knows; a change is refused when it has another by now."


@strawberry.input(description="An environment variable of an app service.")
class VariableInput:
    name: str = strawberry.field(
        description="Letters, digits, `_`, `-` and `.`, not starting with a digit, two dots or `BERTH`."
    )
    value: str = strawberry.field(description="At most 32 KiB.")
    secret: bool = strawberry.field(default=False, description="Kept encrypted and never shown again.")


@strawberry.input(description="How an app service of a new instance is to differ from what the stack says.")
class ServiceOverrideInput:
    name: str = strawberry.field(description="The name of the service in the stack.")
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it runs.")
    version: str | None = strawberry.field(default=strawberry.UNSET, description="One of the versions it offers.")
    replicas: int | None = strawberry.field(
        default=strawberry.UNSET, description="0 to 100; at most 1 for a service that is not scalable."
    )
    variables: list[VariableInput] = strawberry.field(default_factory=list, description="Its own variables.")


@strawberry.input(description="A new instance.")
class NewInstanceInput:
    name: str = strawberry.field(
        description="Permanent machine name, unique in the app; `<app>-<instance>` has at most 63 characters."
    )
    environment_id: strawberry.ID = strawberry.field(description="Its environment.")
    cluster_id: strawberry.ID = strawberry.field(description="The cluster that it runs on.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 120 characters; the name if absent."
    )
    stack_revision_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A published revision of the app's stack; the latest if absent."
    )
    services: list[ServiceOverrideInput] = strawberry.field(
        default_factory=list, description="What is to differ from the stack; services that are not named do not."
    )


@strawberry.input(description="A new instance of an app.")
class CreateInstanceInput(Change):
    app_id: strawberry.ID = strawberry.field(description="The app.")
    instance: NewInstanceInput = strawberry.field(description="The instance.")


@strawberry.input(description="A new title for an instance.")
class RenameInstanceInput(Change):
    id: strawberry.ID = strawberry.field(description="The instance.")
    title: str = strawberry.field(description="1 to 120 characters.")
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.input(description="An instance to be deployed as it is set up.")
class DeployInstanceInput(Change):
    id: strawberry.ID = strawberry.field(description="The instance.")
    on_conflict: OnConflict = strawberry.field(
        default=OnConflict.QUEUE, description="What to do when another task of it has not ended."
    )
    force: bool = strawberry.field(default=False, description=_FORCE)
    delete_claims: bool = strawberry.field(default=False, description=_DELETE_CLAIMS)
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.input(description="An instance to be moved to the latest published revision of its stack.")
class UpgradeInstanceInput(Change):
    id: strawberry.ID = strawberry.field(description="The instance.")
    on_conflict: OnConflict = strawberry.field(
        default=OnConflict.QUEUE, description="What to do when another task of it has not ended."
    )
    force: bool = strawberry.field(default=False, description=_FORCE)
    delete_claims: bool = strawberry.field(default=False, description=_DELETE_CLAIMS)
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.input(description="An instance to be deleted.")
class DeleteInstanceInput(Change):
    id: strawberry.ID = strawberry.field(description="The instance.")
    force: bool = strawberry.field(
        default=False,
        description="Give up on the cluster: the instance goes at once, and what may be left is kept in mind "
        "as an abandoned namespace.",
    )
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.type(description="What came of a change of an instance.")
@source(Changed)
class InstancePayload(Payload):
    instance: Instance | None = changed("instance", description="The instance.")
    task: Task | None = changed("task", description="The task that was started.")
