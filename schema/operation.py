"""What may be done now, and why not."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.operations import Answered, Blocked
from schema.fields import source

if TYPE_CHECKING:
    from schema.task import Task
else:
    Task = Annotated["Task", strawberry.lazy("schema.task")]


@strawberry.type(description="Why an operation is not allowed now.")
@source(Blocked)
class OperationBlock:
    code: str = strawberry.field(description="The code of the problem that the mutation would answer with.")
    message: str = strawberry.field(description="What stands in the way, in one sentence.")
    retryable: bool = strawberry.field(description="Whether it may pass later without a change.")
    task: Task | None = strawberry.field(description="The task that stands in the way; null when none does.")
    remedy: str = strawberry.field(description="What to do about it; empty when nothing can be done.")


@strawberry.type(
    description="Whether an operation is allowed now, to you. The mutation behind it asks the same tables."
)
@source(Answered)
class Operation:
    name: str = strawberry.field(description="The operation: the words of the mutation's name, such as SET_VARIABLES.")
    allowed: bool = strawberry.field(description="Whether it would be accepted now.")
    blocked_by: OperationBlock | None = strawberry.field(description="Why not; null when it is allowed.")
