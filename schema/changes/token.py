"""Changes of tokens."""

import datetime

import strawberry

from resolvers.changes import Changed
from rules.enums import Scope
from schema.fields import source
from schema.payloads import Change, Payload, changed, shown_once
from schema.token import Token


@strawberry.input(description="A new token. It may do no more, and reaches no further, than the one it is made with.")
class CreateTokenInput(Change):
    name: str = strawberry.field(description="What it is for, in words: 1 to 120 characters.")
    scope: Scope = strawberry.field(description="What it may do, at most what its user may.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="Narrows it to an organization; left out, it reaches all of its user's."
    )
    app_id: strawberry.ID | None = strawberry.field(default=None, description="Narrows it to an app.")
    instance_id: strawberry.ID | None = strawberry.field(default=None, description="Narrows it to an instance.")
    member_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The membership of another user, whose token it will be, narrowed to the organization. "
        "Only owners may do that.",
    )
    expires_at: datetime.datetime | None = strawberry.field(
        default=None, description="When it ends: within a year; left out, it does not end by itself."
    )


@strawberry.input(description="A token that is to end at once: your own, or one narrowed to an organization you own.")
class RevokeTokenInput(Change):
    id: strawberry.ID = strawberry.field(description="The token.")


@strawberry.input(description="A token to go on with on this websocket.")
class RenewTokenInput(Change):
    token: str = strawberry.field(description="Its secret. It must be the same user's.")


@strawberry.type(description="What came of making a token.")
@source(Changed)
class CreateTokenPayload(Payload):
    token: Token | None = changed("token", description="The token; null when refused.")
    secret: str | None = shown_once(
        "secret", description="What a client proves itself with. It is shown now and never again; null on a replay."
    )


@strawberry.type(description="What came of revoking a token.")
@source(Changed)
class RevokeTokenPayload(Payload):
    token: Token | None = changed("token", description="The token, which has ended; null when refused.")


@strawberry.type(description="What came of renewing the token of a websocket.")
@source(Changed)
class RenewTokenPayload(Payload):
    token: Token | None = changed("token", description="The token that the websocket has now; null when refused.")
