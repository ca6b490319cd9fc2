"""Who asks."""

import strawberry

from resolvers import viewers
from rules.viewer import Viewer as ViewerValue
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection
from schema.organization import Organization
from schema.token import Token
from schema.user import User


@strawberry.type(description="Who asks: a user, by a token.")
@source(ViewerValue)
class Viewer:
    id: strawberry.ID = resolved_by(viewers.user_id, description="The id of your user.")
    user: User = resolved_by(viewers.user, description="Your user.")
    token: Token = resolved_by(viewers.token, description="The token that this request was sent with.")
    tokens: Connection[Token] = resolved_by(
        viewers.tokens,
        description="Your tokens, the newest first; a narrowed token sees itself only.",
        arguments=PAGING,
    )
    organizations: Connection[Organization] = resolved_by(
        viewers.organizations,
        description="The organizations that you are in and your token reaches, by name; none for a narrowed token.",
        arguments=PAGING,
    )
