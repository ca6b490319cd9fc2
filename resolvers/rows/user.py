"""Users, their memberships and their tokens."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.nouns import Noun, one
from resolvers.rows.app import AppRow
from resolvers.rows.instance import InstanceRow
from resolvers.rows.organization import OrganizationRow


@dataclass(slots=True, eq=False)
class UserRow:
    id: str
    name: str
    email: str
    created_at: datetime


@dataclass(slots=True, eq=False)
class MembershipRow:
    id: str
    organization_id: str
    user_id: str
    role: str
    version: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)
    user: UserRow = field(init=False)


@dataclass(slots=True, eq=False)
class TokenRow:
    id: str
    user_id: str
    organization_id: str | None
    app_id: str | None
    instance_id: str | None
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    user: UserRow = field(init=False)
    organization: OrganizationRow | None = field(init=False)
    app: AppRow | None = field(init=False)
    instance: InstanceRow | None = field(init=False)


USER = Noun("User", "user", UserRow, {})
MEMBERSHIP = Noun(
    "Membership",
    "membership",
    MembershipRow,
    {"organization": one("Organization", "organization", "organization_id"), "user": one("User", "user", "user_id")},
)
TOKEN = Noun(
    "Token",
    "token",
    TokenRow,
    {
        "user": one("User", "user", "user_id"),
        "organization": one("Organization", "organization", "organization_id"),
        "app": one("App", "app", "app_id", reached=False),
        "instance": one("Instance", "instance", "instance_id", reached=False),
    },
)
