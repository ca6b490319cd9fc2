"""How a page of the contract is written: annotations, plain resolvers, sources."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest
import strawberry
from strawberry import ID, Info

from schema.fields import resolved_by, source, subscribed_by


@dataclass(slots=True)
class InstanceRow:
    id: str
    name: str


@dataclass(slots=True)
class AppRow:
    id: str
    name: str


@dataclass(slots=True)
class CreateCommand:
    name: str


ROWS = [InstanceRow("i1", "dev"), InstanceRow("i2", "prod")]


async def list_instances(info: Info[dict[str, str], None], first: int | None = None) -> list[InstanceRow]:
    return ROWS[:first]


async def app_of(root: InstanceRow) -> AppRow:
    return AppRow("a1", f"app of {root.name}")


async def find(id: ID) -> InstanceRow | AppRow | None:
    known: list[InstanceRow | AppRow] = [*ROWS, AppRow("a1", "shop")]
    return next((row for row in known if row.id == id), None)


async def create(input: CreateCommand) -> InstanceRow:
    return InstanceRow("i3", input.name)


async def follow(instance_id: ID) -> AsyncIterator[InstanceRow]:
    yield InstanceRow(instance_id, "first")
    yield InstanceRow(instance_id, "second")


@strawberry.interface(description="Anything with an id.")
class Node:
    id: ID = strawberry.field(description="Opaque.")


@strawberry.type(description="An app.")
@source(AppRow)
class App(Node):
    name: str = strawberry.field(description="Machine name.")


@strawberry.type(description="An instance.")
@source(InstanceRow)
class Instance(Node):
    name: str = strawberry.field(description="Machine name.")
    app: App = resolved_by(app_of, description="Its app.")


@strawberry.input(description="What to create.")
class CreateInstanceInput:
    name: str = strawberry.field(description="Machine name.")


Found = Annotated[Instance | App, strawberry.union("Found")]


@strawberry.type
class Query:
    instances: list[Instance] = resolved_by(
        list_instances, description="Every instance.", arguments={"first": "At most so many."}
    )
    node: Node | None = resolved_by(find, description="Anything by its id.", arguments={"id": "Which."})
    found: Found | None = resolved_by(find, description="An instance or an app.", deprecation_reason="Use node.")


@strawberry.type
class Mutation:
    create_instance: Instance = resolved_by(
        create,
        description="Create one.",
        arguments={"input": Annotated[CreateInstanceInput, strawberry.argument(description="What.")]},
    )


@strawberry.type
class Subscription:
    instance: Instance = subscribed_by(follow, description="Follow one.", arguments={"instance_id": "Which."})


SCHEMA = strawberry.Schema(Query, Mutation, Subscription, types=[App])

SDL = '''type Query {
  """Every instance."""
  instances(
    """At most so many."""
    first: Int = null
  ): [Instance!]!

  """Anything by its id."""
  node(
    """Which."""
    id: ID!
  ): Node

  """An instance or an app."""
  found(id: ID!): Found @deprecated(reason: "Use node.")
}'''


def test_the_contract_prints_types_descriptions_and_arguments() -> None:
    sdl = SCHEMA.as_str()
    assert SDL in sdl
    assert '  """Follow one."""\n  instance(\n    """Which."""\n    instanceId: ID!\n  ): Instance!' in sdl
    assert '    """What."""\n    input: CreateInstanceInput!' in sdl


async def test_rows_answer_fields_interfaces_and_unions_without_wrapping() -> None:
    result = await SCHEMA.execute(
        """{ instances(first: 1) { id name app { name } }
             node(id: "a1") { __typename id ... on App { name } }
             found(id: "i2") { __typename ... on Instance { name } } }"""
    )
    assert result.errors is None
    assert result.data == {
        "instances": [{"id": "i1", "name": "dev", "app": {"name": "app of dev"}}],
        "node": {"__typename": "App", "id": "a1", "name": "shop"},
        "found": {"__typename": "Instance", "name": "prod"},
    }


async def test_an_input_type_of_the_schema_replaces_the_resolvers_annotation() -> None:
    result = await SCHEMA.execute('mutation { createInstance(input: {name: "test"}) { id name } }')
    assert (result.errors, result.data) == (None, {"createInstance": {"id": "i3", "name": "test"}})


async def test_an_async_generator_answers_a_subscription() -> None:
    stream = await SCHEMA.subscribe('subscription { instance(instanceId: "i9") { id name } }')
    events = [event.data async for event in stream]
    assert events == [{"instance": {"id": "i9", "name": "first"}}, {"instance": {"id": "i9", "name": "second"}}]


def test_describing_an_argument_that_is_not_there_is_an_error_with_its_remedy() -> None:
    with pytest.raises(TypeError, match=r"find takes no argument \['uid'\]; it takes \['id'\]"):
        resolved_by(find, description="x", arguments={"uid": "Which."})


def test_a_source_above_the_type_is_an_error_with_its_remedy() -> None:
    with pytest.raises(TypeError, match=r"Put @source below @strawberry\.type on App"):
        source(AppRow)(App)
