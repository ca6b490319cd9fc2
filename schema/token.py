"""Tokens: what clients prove themselves with."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.rows.user import TokenRow
from rules.enums import Scope
from schema.fields import source
from schema.node import Node
from schema.organization import Organization
from schema.user import User

if TYPE_CHECKING:
    from schema.app import App
    from schema.instance import Instance
else:
    App = Annotated["App", strawberry.lazy("schema.app")]
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]


@strawberry.type(
    description="What a client proves itself with. Its secret is shown once, when it is created; a hash is kept."
)
@source(TokenRow)
class Token(Node):
    user: User = strawberry.field(description="Whom it acts for.")
    name: str = strawberry.field(description="What it is for: 1 to 120 characters.")
    scope: Scope = strawberry.field(description="What it may do, at most what its user may.")
    organization: Organization | None = strawberry.field(
        description="The only organization that it reaches; null when it reaches all of its user's."
    )
    app: App | None = strawberry.field(
        description="The only app that it reaches; null when it is not narrowed, or the app is gone."
    )
    instance: Instance | None = strawberry.field(
        description="The only instance that it reaches; null when it is not narrowed so far, or the instance is gone."
    )
    created_at: datetime.datetime = strawberry.field(description="When it was created.")
    expires_at: datetime.datetime | None = strawberry.field(description="When it stops working; null when it does not.")
    revoked_at: datetime.datetime | None = strawberry.field(description="When it was revoked; null when it was not.")
