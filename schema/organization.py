"""Organizations, their members and projects."""

import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.lists import nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.organization import OrganizationRow, ProjectRow
from resolvers.rows.user import MembershipRow
from rules.enums import Role
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.user import User

_members = nested("Membership", "organization_id", TimeOrder.OLDEST)
_projects = nested("Project", "organization_id", ListOrder.NAME)
_apps = nested("App", "organization_id", ListOrder.NAME)
_environments = nested("Environment", "organization_id", ListOrder.NAME)
_clusters = nested("Cluster", "organization_id", ListOrder.NAME)
_services = nested("Service", "organization_id", ListOrder.NAME)
_stacks = nested("Stack", "organization_id", ListOrder.NAME)
_tokens = nested("Token", "organization_id", TimeOrder.NEWEST)

if TYPE_CHECKING:
    from schema.app import App
    from schema.cluster import Cluster
    from schema.environment import Environment
    from schema.service import Service
    from schema.stack import Stack
    from schema.token import Token
else:
    App = Annotated["App", strawberry.lazy("schema.app")]
    Environment = Annotated["Environment", strawberry.lazy("schema.environment")]
    Cluster = Annotated["Cluster", strawberry.lazy("schema.cluster")]
    Service = Annotated["Service", strawberry.lazy("schema.service")]
    Stack = Annotated["Stack", strawberry.lazy("schema.stack")]
    Token = Annotated["Token", strawberry.lazy("schema.token")]


@strawberry.type(description="A user in an organization.")
@source(MembershipRow)
class Membership(Node):
    organization: "Organization" = strawberry.field(description="The organization.")
    user: User = strawberry.field(description="The user.")
    role: Role = strawberry.field(description="What the user may do there.")
    version: int = strawberry.field(description="Counts the changes of this membership; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When the user became a member.")


@strawberry.type(description="A part of an organization that may own apps.")
@source(ProjectRow)
class Project(Node):
    organization: "Organization" = strawberry.field(description="The organization that it is a part of.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    created_at: datetime.datetime = strawberry.field(description="When it was created.")


@strawberry.type(
    description="The top scope: everything belongs to one organization, and nothing is shared between two."
)
@source(OrganizationRow)
class Organization(Node):
    name: str = strawberry.field(description="Permanent machine name, unique in this installation.")
    title: str = strawberry.field(description="Name for people: 1 to 120 characters.")
    version: int = strawberry.field(description="Counts the changes of its own fields; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was created.")
    members: Connection[Membership] = resolved_by(
        _members, description="Who is in it, the longest member first.", arguments=PAGING
    )
    projects: Connection[Project] = resolved_by(_projects, description="Its projects, by name.", arguments=PAGING)
    apps: Connection[App] = resolved_by(_apps, description="Its apps, by name.", arguments=PAGING)
    environments: Connection[Environment] = resolved_by(
        _environments, description="Its environments, by name.", arguments=PAGING
    )
    clusters: Connection[Cluster] = resolved_by(_clusters, description="Its clusters, by name.", arguments=PAGING)
    services: Connection[Service] = resolved_by(
        _services, description="The services of its catalogue, by name.", arguments=PAGING
    )
    stacks: Connection[Stack] = resolved_by(_stacks, description="Its stacks, by name.", arguments=PAGING)
    tokens: Connection[Token] = resolved_by(
        _tokens,
        description="The tokens that are narrowed to it, the newest first: all of them for owners, else your own.",
        arguments=PAGING,
    )
