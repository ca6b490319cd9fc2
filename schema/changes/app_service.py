"""How app services are configured. Every change counts from the next deployment on."""

import strawberry

from resolvers.changes import Changed
from schema.app_service import AppService
from schema.changes.instance import VariableInput
from schema.fields import source
from schema.payloads import Change, Payload, changed

_VERSION = "The version that the caller knows; a change is refused when it has another by now."


@strawberry.input
class _Configure(Change):
    id: strawberry.ID = strawberry.field(description="The app service.")
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.input(description="Variables to be set on an app service and to be removed; the others stay.")
class SetAppServiceVariablesInput(_Configure):
    variables: list[VariableInput] = strawberry.field(default_factory=list, description="Set these.")
    remove: list[str] = strawberry.field(default_factory=list, description="Remove the ones with these names.")


@strawberry.input(description="How many pods of an app service are to run.")
class SetAppServiceReplicasInput(_Configure):
    replicas: int | None = strawberry.field(
        default=strawberry.UNSET, description="0 to 100, at most 1 when it is not scalable; null: as the stack says."
    )


@strawberry.input(description="Which version of an app service is to run.")
class SetAppServiceVersionInput(_Configure):
    option_version: str | None = strawberry.field(
        default=strawberry.UNSET, description="One of the versions it offers; null: as the stack says."
    )


@strawberry.input(description="Whether an app service is to run.")
class SetAppServiceEnabledInput(_Configure):
    enabled: bool = strawberry.field(description="A required or main service cannot be switched off.")


@strawberry.type(description="What came of a change of an app service.")
@source(Changed)
class AppServicePayload(Payload):
    app_service: AppService | None = changed("app_service", description="The app service.")
