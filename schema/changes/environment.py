"""Changes of environments."""

import strawberry

from resolvers.changes import Changed
from rules.enums import EnvironmentType
from schema.environment import Environment
from schema.fields import source
from schema.payloads import EXPECTED, Change, Payload, changed


@strawberry.input(description="A new environment.")
class CreateEnvironmentInput(Change):
    organization_id: strawberry.ID = strawberry.field(description="The organization that it will belong to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str | None = strawberry.field(default=None, description="Name for people; its machine name when left out.")
    type: EnvironmentType = strawberry.field(description="What it is for.")


@strawberry.input(description="A change of an environment; what is left out stays as it is.")
class UpdateEnvironmentInput(Change):
    id: strawberry.ID = strawberry.field(description="The environment.")
    title: str | None = strawberry.field(default=None, description="Name for people.")
    type: EnvironmentType | None = strawberry.field(
        default=None, description="What it is for; refused while an instance uses it."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="An environment that is to go. No instance may use it.")
class DeleteEnvironmentInput(Change):
    id: strawberry.ID = strawberry.field(description="The environment.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.type(description="What came of a change of an environment.")
@source(Changed)
class EnvironmentPayload(Payload):
    environment: Environment | None = changed("environment", description="The environment; null when refused.")
