"""The executor answers exactly what the stock executor answers, values and errors."""

import enum
import logging
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import pytest
import strawberry
from graphql import ExecutionResult, execute, get_introspection_query, parse, subscribe
from strawberry import Info
from strawberry.permission import PermissionExtension
from strawberry.scalars import JSON
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from tortoise import fields
from tortoise.models import Model

from schema.execution import Execution
from schema.fields import resolved_by, source, subscribed_by
from schema.plan import Plan


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Table(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=20)


FIRST = UUID(int=1)


@dataclass
class Row:
    name: Any = "x"
    n: Any = None
    m: Any = 1
    colour: Any = Colour.BLUE
    at: Any = datetime(2026, 1, 2, tzinfo=UTC)
    uid: Any = FIRST
    tags: Any = ("a", "b")
    data: Any = None
    child: Any = None


class Broken(Row):
    @property
    def name(self) -> str:
        raise RuntimeError("attribute broke")

    @name.setter
    def name(self, value: object) -> None:
        pass


class Never(strawberry.BasePermission):
    message = "never"

    def has_permission(self, source: object, info: Info, **kwargs: object) -> bool:
        return False


@strawberry.interface
class Named:
    name: str


async def slow(root: Row) -> int:
    return 5


def bad(root: Row) -> int:
    raise ValueError("bad")


def twice(root: Row, by: int = 2) -> int:
    return 2 * by


@strawberry.type
@source(Row)
class Thing(Named):
    n: int | None
    m: int
    colour: Colour
    at: datetime
    uid: UUID
    tags: list[str]
    data: JSON | None
    child: "Thing | None"
    secret: int | None = strawberry.field(default=1, extensions=[PermissionExtension([Never()])])
    slow: int = resolved_by(slow, description="")
    bad: int | None = resolved_by(bad, description="")
    twice: int = resolved_by(twice, description="")


@strawberry.type
@source(Table)
class Record(Named):
    id: strawberry.ID


async def late() -> str:
    return "late"


def things() -> Iterator[Row]:
    yield Row(child=Row(name="inner"))
    yield Row(n=3, data={"k": [1, None]})


ONE: dict[str, Any] = {
    "null_where_none_may_be": lambda: Row(m=None),
    "not_a_number": lambda: Row(m="many"),
    "not_a_colour": lambda: Row(colour="green"),
    "awaited_text": lambda: Row(name=late()),
    "awaited_json": lambda: Row(data=late()),
    "exception_as_value": lambda: Row(data=ValueError("as a value")),
    "broken_attribute": Broken,
    "no_such_attribute": lambda: object(),
    "another_row": lambda: Table(id=1, name="t"),
}


async def one(info: Info, kind: str) -> object:
    return ONE[kind]()


class Later:
    """Can be awaited, and need not be."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, object]:
        yield
        return self._value


def late_row() -> Later:
    return Later(Row(name=Later("late"), child=Row(m="many")))


def mixed(info: Info, required: bool = False) -> list[object]:
    kinds: list[object] = [Row(), late_row(), Row(m=None), object(), ValueError("in a list"), Row(child=late_row())]
    return kinds if required else [None, *kinds, Table(id=1, name="t")]


def grid(info: Info) -> list[list[Row]]:
    return [[Row(), Row(n=2)], []]


def named(info: Info) -> list[object]:
    return [Row(), Table(id=7, name="seven")]


async def count(info: Info) -> AsyncIterator[Row]:
    yield Row(m=1)
    yield Row(m=2)


@strawberry.type
class Query:
    things: list[Thing] = resolved_by(things, description="")
    one: Thing | None = resolved_by(one, description="")
    named: list[Named] = resolved_by(named, description="")
    many: list[Thing | None] | None = resolved_by(mixed, description="")
    required: list[Thing] | None = resolved_by(mixed, description="")
    grid: list[list[Thing]] = resolved_by(grid, description="")


@strawberry.type
class Mutation:
    one: Thing | None = resolved_by(one, description="")


@strawberry.type
class Subscription:
    count: Thing = subscribed_by(count, description="")


SCHEMA = strawberry.Schema(Query, Mutation, Subscription, types=[Thing, Record])
CORE = SCHEMA._schema

DOCUMENTS = [
    "{ things { __typename name n m colour at uid tags data child { name child { m } } } }",
    "{ things { slow bad twice(by: 7) other: name twice3: twice(by: 3) } named { __typename name } }",
    "{ named { __typename name ... on Record { id } ... on Thing { m colour } } }",
    "{ things { secret name } }",
    'mutation { a: one(kind: "null_where_none_may_be") { m } b: one(kind: "awaited_text") { name } }',
    "query ($yes: Boolean!) { things { name @skip(if: $yes) n @include(if: $yes) ...F } } fragment F on Thing { m }",
    "{ things { ...F child { ...F } } } fragment F on Thing { name ... { al: m } ... on Named { name } }",
    "{ many { name m child { m } } grid { name n slow } }",
    "{ required { name m } many(required: true) { slow child { name m } } }",
    get_introspection_query(),
    *(f'{{ one(kind: "{kind}") {{ m name colour data n }} }}' for kind in ONE),
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def run(executor: type, document: Any, **more: Any) -> tuple[Any, list[Any]]:
    result: Any = execute(CORE, document, executor_class=executor, variable_values={"yes": True}, **more)
    if hasattr(result, "__await__"):
        result = await result
    assert isinstance(result, ExecutionResult)
    return result.data, [error.formatted for error in result.errors or []]


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
async def test_it_answers_what_the_stock_executor_answers(text: str) -> None:
    document = parse(text)
    stock = await run(StrawberryGraphQLCoreExecutionContext, document)
    assert await run(Execution, document) == stock
    plan = Plan.of(document)
    for _ in range(3):
        assert await run(Execution, document, plan=plan) == stock
    assert list(stock[0] or {}) == list((await run(Execution, document))[0] or {})


def test_a_plan_is_kept_only_where_no_variable_decides_which_fields_there_are() -> None:
    assert Plan.of(parse("{ things { name } }")) is not None
    assert Plan.of(parse("query ($a: Boolean!) { things { name @skip(if: $a) } }")) is None


async def test_a_kept_plan_collects_the_fields_of_a_selection_once() -> None:
    document = parse("{ things { name child { name } } }")
    plan = Plan.of(document)
    assert plan is not None
    await run(Execution, document, plan=plan)
    root, sizes = plan.root, (len(plan.collected), len(plan.steps))
    await run(Execution, document, plan=plan)
    assert (plan.root, (len(plan.collected), len(plan.steps))) == (root, sizes) == (root, (2, 3))


async def test_a_permission_on_a_plain_attribute_is_asked() -> None:
    data, errors = await run(Execution, parse("{ things { secret } }"))
    assert data == {"things": [{"secret": None}, {"secret": None}]}
    assert [error["message"] for error in errors] == ["never", "never"]


@dataclass
class Context:
    made: list[int]
    number: int = 0

    def for_event(self) -> Self:
        self.made.append(len(self.made) + 1)
        return type(self)(self.made, len(self.made))


async def test_each_event_of_a_subscription_gets_a_context_of_its_own() -> None:
    context = Context([])
    document = parse("subscription { count { m name twice } }")
    stream: Any = subscribe(CORE, document, executor_class=Execution, context_value=context, plan=Plan.of(document))
    stream = await stream if hasattr(stream, "__await__") else stream
    events = [event.data async for event in stream]
    assert events == [{"count": {"m": m, "name": "x", "twice": 4}} for m in (1, 2)]
    assert context.made == [1, 2]
