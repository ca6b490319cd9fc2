"""Changes of services and stacks."""

import strawberry

from resolvers.changes import Changed
from schema.fields import source
from schema.payloads import EXPECTED, Change, Payload, changed, changed_list
from schema.service import Service
from schema.stack import Stack, StackRevision


@strawberry.input(description="A service's manifest. It becomes a new revision where it differs from the latest one.")
class ImportServiceInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that it will belong to.")
    source: str = strawberry.field(description="The manifest (service.yml): at most 1 MB.")
    file: str = strawberry.field(default="service.yml", description="What findings call it.")


@strawberry.input(description="A stack's manifest. It becomes the stack's draft, in the place of an older one.")
class ImportStackInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that it will belong to.")
    source: str = strawberry.field(description="The manifest (stack.yml): at most 1 MB.")
    file: str = strawberry.field(default="stack.yml", description="What findings call it.")


@strawberry.input(description="A file of a catalogue.")
class CatalogueFile:
    name: str = strawberry.field(
        description="Its name, with folders: `service.yml` and `stack.yml` say what it is, another name leaves that to "
        "what it holds."
    )
    text: str = strawberry.field(description="What it holds: at most 1 MB.")


@strawberry.input(description="Manifests of services and stacks, in any order. All of them are imported, or none.")
class ImportCatalogueInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that they will belong to.")
    files: list[CatalogueFile] = strawberry.field(description="The manifests: at most 500.")


@strawberry.input(description="A draft that is to become the stack's next revision.")
class PublishStackInput(Change):
    id: strawberry.ID = strawberry.field(description="The stack.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="A draft that is to be dropped.")
class DiscardStackDraftInput(Change):
    id: strawberry.ID = strawberry.field(description="The stack.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.type(description="What came of importing a service.")
@source(Changed)
class ServicePayload(Payload):
    service: Service | None = changed("service", description="The service; null when refused.")


@strawberry.type(description="What came of a change of a stack.")
@source(Changed)
class StackPayload(Payload):
    stack: Stack | None = changed("stack", description="The stack; null when refused.")


@strawberry.type(description="What came of publishing a stack.")
@source(Changed)
class PublishStackPayload(Payload):
    stack: Stack | None = changed("stack", description="The stack; null when refused.")
    revision: StackRevision | None = changed("revision", description="The new revision; null when refused.")


@strawberry.type(description="What came of importing a catalogue.")
@source(Changed)
class CataloguePayload(Payload):
    services: list[Service] = changed_list("services", description="The services, parents before those who inherit.")
    stacks: list[Stack] = changed_list("stacks", description="The stacks, whose drafts can now be published.")
