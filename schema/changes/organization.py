"""Changes of organizations and of who is in them."""

import strawberry

from resolvers.changes import Changed
from rules.enums import Role
from schema.fields import source
from schema.organization import Membership, Organization
from schema.payloads import EXPECTED, Change, Payload, changed


@strawberry.input(description="A new organization. You become its owner; it begins with an environment of each type.")
class CreateOrganizationInput(Change):
    name: str = strawberry.field(description="Permanent machine name, unique in the installation.")
    title: str | None = strawberry.field(default=None, description="Name for people; its machine name when left out.")


@strawberry.input(description="A new title of an organization.")
class RenameOrganizationInput(Change):
    id: strawberry.ID = strawberry.field(description="The organization.")
    title: str = strawberry.field(description="Name for people.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.type(description="What came of a change of an organization.")
@source(Changed)
class OrganizationPayload(Payload):
    organization: Organization | None = changed("organization", description="The organization; null when refused.")


@strawberry.input(description="A new member of an organization.")
class AddMemberInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization.")
    email: str = strawberry.field(description="The user's address; who is not known yet becomes a user.")
    role: Role = strawberry.field(description="What the member may do.")


@strawberry.input(description="Another role of a member. The last owner stays one.")
class ChangeMemberRoleInput(Change):
    id: strawberry.ID = strawberry.field(description="The membership.")
    role: Role = strawberry.field(description="What the member may do from now on.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="A member who is to leave, with their tokens for the organization. The last owner stays.")
class RemoveMemberInput(Change):
    id: strawberry.ID = strawberry.field(description="The membership.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.type(description="What came of a change of a member.")
@source(Changed)
class MemberPayload(Payload):
    member: Membership | None = changed("member", description="The membership; null when refused.")
