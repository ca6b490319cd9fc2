"""How apps are changed."""

import strawberry

from resolvers.changes import Changed
from schema.app import App
from schema.changes.instance import NewInstanceInput
from schema.fields import source
from schema.instance import Instance
from schema.payloads import Change, Payload, changed
from schema.task import Task

_VERSION = "The version that the caller knows; a change is refused when it has another by now."


@strawberry.input(description="A new app with its first instance.")
class CreateAppInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that owns it.")
    stack_id: strawberry.ID = strawberry.field(description="The stack that all of its instances run.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    instance: NewInstanceInput = strawberry.field(description="Its first instance.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 120 characters; the name if absent."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The project of the organization that owns it."
    )


@strawberry.input(description="A new title for an app.")
class RenameAppInput(Change):
    id: strawberry.ID = strawberry.field(description="The app.")
    title: str = strawberry.field(description="1 to 120 characters.")
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.input(description="An app to be deleted with all of its instances.")
class DeleteAppInput(Change):
    id: strawberry.ID = strawberry.field(description="The app.")
    expected_version: int | None = strawberry.field(default=strawberry.UNSET, description=_VERSION)


@strawberry.type(description="What came of a change of an app.")
@source(Changed)
class AppPayload(Payload):
    app: App | None = changed("app", description="The app.")
    instance: Instance | None = changed("instance", description="The first instance of a new app.")
    task: Task | None = changed("task", description="The task that was started.")
