"""Named environments."""

import datetime

import strawberry

from resolvers.lists import listed
from resolvers.paging import ListOrder
from resolvers.rows.environment import EnvironmentRow
from rules.enums import EnvironmentType
from schema.fields import source
from schema.node import Node
from schema.organization import Organization


@strawberry.type(description="What an instance is for: a name and a type. Instances of one app may differ in it.")
@source(EnvironmentRow)
class Environment(Node):
    organization: Organization = strawberry.field(description="The organization that it belongs to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    type: EnvironmentType = strawberry.field(description="What it is for; it stays as it is while an instance uses it.")
    version: int = strawberry.field(description="Counts its changes; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was created.")


@strawberry.input(description="Which environments; conditions hold together.")
class EnvironmentFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    types: list[EnvironmentType] | None = strawberry.field(default=None, description="Of one of these types.")


listed_environments = listed(
    "Environment", {"organization": "t.organization_id = {}", "types": "t.type = ANY({})"}, ListOrder.NAME
)
