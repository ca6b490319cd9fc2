"""How tasks are cancelled and repeated."""

import strawberry

from resolvers.changes import Changed
from schema.fields import source
from schema.instance import Instance
from schema.payloads import Change, Payload, changed
from schema.task import Task


@strawberry.input(description="A task to be cancelled.")
class CancelTaskInput(Change):
    id: strawberry.ID = strawberry.field(description="The task.")


@strawberry.input(description="A task to be done again.")
class RepeatTaskInput(Change):
    id: strawberry.ID = strawberry.field(description="The task; it must have ended.")
    force: bool = strawberry.field(default=False, description="Take over fields that something else has set.")


@strawberry.type(description="What came of a change of a task.")
@source(Changed)
class TaskPayload(Payload):
    task: Task | None = changed("task", description="The task: the cancelled one, or the new one.")
    instance: Instance | None = changed("instance", description="Its instance.")
