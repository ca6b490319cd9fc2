"""Users."""

import datetime

import strawberry

from resolvers.rows.user import UserRow
from schema.fields import source
from schema.node import Node


@strawberry.type(description="Someone who uses Berth by tokens.")
@source(UserRow)
class User(Node):
    name: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    email: str = strawberry.field(description="Address in lower case, unique in this installation.")
    created_at: datetime.datetime = strawberry.field(description="When the user was created.")
