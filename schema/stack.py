"""Stacks: services put together."""

import datetime

import strawberry

from resolvers.lists import listed, nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.stack import StackRevisionRow, StackRow, StackServiceRow
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.organization import Organization
from schema.service import ServiceRevision

_revisions = nested("StackRevision", "stack_id", TimeOrder.NEWEST)


@strawberry.type(description="A service as one stack revision has it.")
@source(StackServiceRow)
class StackService(Node):
    stack_revision: "StackRevision" = strawberry.field(description="The stack revision that has it.")
    name: str = strawberry.field(description="Machine name, unique in the stack.")
    title: str = strawberry.field(description="Name for people.")
    service_revision: ServiceRevision = strawberry.field(description="What it runs.")
    pinned: bool = strawberry.field(description="Whether it stays at its service revision when newer ones come.")
    required: bool = strawberry.field(description="Whether instances cannot switch it off.")
    disabled: bool = strawberry.field(description="Whether new instances begin with it switched off.")
    main: bool = strawberry.field(description="Whether it is the one that people mean by the app; true of at most one.")
    outdated: bool = strawberry.field(description="Whether it is not pinned, and its service has a newer revision.")


@strawberry.type(description="A published revision of a stack, which never changes, or its draft.")
@source(StackRevisionRow)
class StackRevision(Node):
    stack: "Stack" = strawberry.field(description="The stack.")
    number: int | None = strawberry.field(description="Counts the published revisions from 1; null for the draft.")
    draft: bool = strawberry.field(description="Whether it is the draft, which cannot be deployed.")
    source: str = strawberry.field(description="The manifest (stack.yml) as it was imported: at most 1 MB.")
    services: list[StackService] = strawberry.field(description="Its services, in the manifest's order.")
    created_at: datetime.datetime = strawberry.field(description="When it was imported.")
    published_at: datetime.datetime | None = strawberry.field(description="When it was published; null for the draft.")


@strawberry.type(description="Services put together: at most one draft, and any number of published revisions.")
@source(StackRow)
class Stack(Node):
    organization: Organization = strawberry.field(description="The organization that it belongs to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people, from its latest manifest.")
    draft: StackRevision | None = strawberry.field(description="What would be published next; null when there is none.")
    latest_revision: StackRevision | None = strawberry.field(
        description="The newest published revision; null when nothing was published yet."
    )
    outdated: bool = strawberry.field(
        description="Whether a service of its latest revision that is not pinned has a newer revision."
    )
    revisions: Connection[StackRevision] = resolved_by(
        _revisions, description="Its revisions with the draft, the newest first.", arguments=PAGING
    )
    version: int = strawberry.field(description="Counts its changes; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was imported first.")


@strawberry.input(description="Which stacks; conditions hold together.")
class StackFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    published: bool | None = strawberry.field(default=None, description="With a published revision, or without one.")


listed_stacks = listed(
    "Stack", {"organization": "t.organization_id = {}", "published": "(t.latest_number > 0) = {}"}, ListOrder.NAME
)
