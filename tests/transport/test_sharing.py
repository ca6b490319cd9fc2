"""Events of a shared subscription are executed once for all who asked the same, and only where nobody can tell."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import strawberry
from strawberry import Info

from schema import schema
from schema.execution import Execution
from schema.fields import resolved_by, source, subscribed_by
from schema.limits import Limits
from schema.sharing import shared_fields
from tests.transport.contract import Context, World
from tests.transport.serving import Served, served
from tests.transport.sockets import socket
from transport.operations import Asked, Operations
from transport.sharing import Answers


class Line:
    """A line that counts how often it is read."""

    def __init__(self, message: str | None) -> None:
        self._message = message
        self.reads = 0

    @property
    def message(self) -> str | None:
        self.reads += 1
        return self._message

    @property
    def size(self) -> int:
        return len(self._message or "")


@dataclass(slots=True, frozen=True)
class Batch:
    lines: tuple[Line, ...]


EVENTS: list[Batch] = []


async def written(tail: int = 0, only: str = "") -> AsyncIterator[Batch]:
    for batch in EVENTS:
        yield batch


async def asked(info: Info[Context, None]) -> str:
    return info.context.viewer


def shout(root: Line) -> str:
    return "!"


@strawberry.type(name="Line")
@source(Line)
class ShownLine:
    message: str
    size: int
    shout: str = resolved_by(shout, description="")


@strawberry.type(name="Batch")
@source(Batch)
class ShownBatch:
    lines: list[ShownLine]


@strawberry.type
class Query:
    viewer: str = resolved_by(asked, description="")


@strawberry.type
class Subscription:
    lines: ShownBatch = subscribed_by(written, description="", shared=True)
    apart: ShownBatch = subscribed_by(written, description="")


SHARED = strawberry.Schema(Query, None, Subscription, execution_context_class=Execution)


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    EVENTS[:] = [Batch((Line(f"line {number}"),)) for number in range(3)]
    yield
    EVENTS.clear()


def reads() -> list[int]:
    return [line.reads for batch in EVENTS for line in batch.lines]


@dataclass
class Viewers:
    """Subscribers of one process."""

    operations: Operations = field(default_factory=lambda: Operations(SHARED, Limits(), 5))

    async def read(self, query: str, request_id: str = "r", **variables: Any) -> list[Any]:
        prepared = self.operations.prepare(Asked(query, None, variables))
        stream = self.operations.stream(prepared, Context(World(), "ann", request_id), request_id)
        async with aclosing(stream) as answers:
            return [orjson.loads(answer) async for answer in answers]


ALL = "subscription { lines { lines { message } } }"


async def test_one_execution_serves_all_who_ask_the_same_wherever_they_begin() -> None:
    viewers = Viewers()
    told = [{"data": {"lines": {"lines": [{"message": f"line {number}"}]}}} for number in range(3)]
    assert await viewers.read(ALL) == told
    assert await viewers.read(ALL) == told
    assert await viewers.read("subscription { lines(tail: 5) { lines { message } } }") == told
    with_tail = "subscription($tail: Int!) { lines(tail: $tail) { lines { message } } }"
    assert await viewers.read(with_tail, tail=1) == told
    assert await viewers.read(with_tail, tail=2) == told
    assert reads() == [1, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        "subscription { lines { lines { message size } } }",
        "subscription { all: lines { lines { message } } }",
        "subscription { lines { lines { text: message } } }",
        "subscription { ...F } fragment F on Subscription { lines { lines { message } } }",
        "subscription { apart { lines { message } } }",
    ],
)
async def test_another_selection_is_executed_for_itself(other: str) -> None:
    viewers = Viewers()
    await viewers.read(ALL)
    answers = await viewers.read(other)
    assert answers == await Viewers().read(other)
    assert reads() == [3, 3, 3]


async def test_variables_that_the_selection_uses_part_it_and_others_do_not() -> None:
    viewers = Viewers()
    query = """subscription($tail: Int!, $sized: Boolean! = true) { lines(tail: $tail) { ...F } }
      fragment F on Batch { lines { message ...G } } fragment G on Line { size @include(if: $sized) }"""
    sized = {"message": "line 0", "size": 6}
    asked: list[tuple[dict[str, Any], dict[str, Any], int]] = [
        ({"tail": 1, "sized": True}, sized, 1),
        ({"tail": 2, "sized": True}, sized, 1),
        ({"tail": 2, "sized": False}, {"message": "line 0"}, 2),
        ({"tail": 2}, sized, 3),
        ({"tail": 3}, sized, 3),
    ]
    for variables, line, count in asked:
        answers = await viewers.read(query, **variables)
        assert answers[0] == {"data": {"lines": {"lines": [line]}}}
        assert reads() == [count] * 3


async def test_a_default_of_a_variable_is_part_of_the_selection() -> None:
    viewers = Viewers()
    query = "subscription($sized: Boolean! = {}) {{ lines {{ lines {{ size @include(if: $sized) message }} }} }}"
    assert "size" in str(await viewers.read(query.format("true")))
    assert "size" not in str(await viewers.read(query.format("false")))


async def test_errors_are_each_viewers_own_and_poison_no_other_event() -> None:
    EVENTS[1] = Batch((Line(None),))
    viewers = Viewers()
    for request_id in ("first", "second"):
        before, broken, after = await viewers.read(ALL, request_id)
        assert "errors" not in before
        assert "errors" not in after
        assert [error["extensions"]["requestId"] for error in broken["errors"]] == [request_id]
    assert (reads()[0], reads()[2]) == (1, 1)


async def open_all(made: Served, stack: AsyncExitStack, count: int) -> list[Any]:
    return [await stack.enter_async_context(socket(made)) for _ in range(count)]


async def test_websockets_and_event_streams_frame_the_same_answer() -> None:
    made = served(schema=SHARED)
    async with AsyncExitStack() as stack:
        for client, name in zip(await open_all(made, stack, 3), ('"1"', "1", 'ä"\\'), strict=True):
            await client.subscribe(name, ALL)
            for number in range(3):
                payload = {"data": {"lines": {"lines": [{"message": f"line {number}"}]}}}
                assert await client.receive() == {"id": name, "type": "next", "payload": payload}
            assert await client.receive() == {"id": name, "type": "complete"}
    headers = {"accept": "text/event-stream"}
    async with made.client() as client, client.stream("POST", "/graphql", json={"query": ALL}, headers=headers) as sse:
        assert '{"data":{"lines":{"lines":[{"message":"line 2"}]}}}' in (await sse.aread()).decode()
    assert reads() == [1, 1, 1]


def test_answers_are_bounded_and_the_oldest_are_forgotten() -> None:
    answers, events = Answers(most=10), [object() for _ in range(4)]
    for event in events:
        answers.keep(event, b"s", "1234")
    assert [answers.get(event, b"s") for event in events] == [None, None, "1234", "1234"]
    answers.keep(events[3], b"s", "5678")
    assert answers.get(events[3], b"s") == "1234"
    answers.keep(events[0], b"s", "x" * 11)
    assert answers.get(events[0], b"s") is None
    assert answers.get(events[3], b"s") == "1234"


def test_what_is_shared_knows_no_viewer() -> None:
    assert shared_fields(schema._schema) == {"instanceLogs", "pods"}


def test_a_subscription_below_which_a_resolver_asks_who_reads_cannot_be_shared() -> None:
    @strawberry.type(name="Line")
    class Telling:
        asked: str = resolved_by(asked, description="")

    @strawberry.type(name="Batch")
    class Told:
        lines: list[Telling]

    @strawberry.type
    class Wrong:
        lines: Told = subscribed_by(written, description="", shared=True)

    with pytest.raises(TypeError, match=r"Subscription\.lines is shared, but the answer of Line\.asked may depend"):
        Operations(strawberry.Schema(Query, None, Wrong), Limits(), 5)
