"""Apps."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.lists import listed, nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.app import AppRow
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.organization import Organization, Project
from schema.stack import Stack

if TYPE_CHECKING:
    from schema.instance import Instance
    from schema.task import Task
else:
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]
    Task = Annotated["Task", strawberry.lazy("schema.task")]

_instances = nested("Instance", "app_id", ListOrder.NAME)
_tasks = nested("Task", "app_id", TimeOrder.NEWEST)


@strawberry.type(description="One stack, one owner, and any number of instances.")
@source(AppRow)
class App(Node):
    organization: Organization = strawberry.field(description="The organization that owns it, or whose project does.")
    project: Project | None = strawberry.field(description="The project that owns it; null when the organization does.")
    stack: Stack = strawberry.field(description="What its instances run.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    version: int = strawberry.field(description="Counts the changes of its own fields; send it as `expectedVersion`.")
    cursor: str = strawberry.field(description="Its last event.")
    created_at: datetime.datetime = strawberry.field(description="When it was created.")
    instances: Connection[Instance] = resolved_by(_instances, description="Its instances, by name.", arguments=PAGING)
    tasks: Connection[Task] = resolved_by(
        _tasks, description="Its tasks, the newest first; those of deleted instances too.", arguments=PAGING
    )


@strawberry.input(description="Which apps; conditions hold together.")
class AppFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    project: strawberry.ID | None = strawberry.field(default=None, description="Of the project with this id.")
    stack: strawberry.ID | None = strawberry.field(default=None, description="Running the stack with this id.")


listed_apps = listed(
    "App",
    {"organization": "t.organization_id = {}", "project": "t.project_id = {}", "stack": "t.stack_id = {}"},
    ListOrder.NAME,
)
