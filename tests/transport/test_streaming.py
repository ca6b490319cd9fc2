"""Server-sent events, clients that go away in the middle, and the end of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson

from tests.transport.serving import TOKEN, Served, listening, served

EVENTS = {**TOKEN, "accept": "text/event-stream", "content-type": "application/json"}


@asynccontextmanager
async def stream(port: int, query: str) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(timeout=5) as client,
        client.stream("POST", f"http://127.0.0.1:{port}/graphql", headers=EVENTS, json={"query": query}) as response,
    ):
        yield response


async def until(wanted: str, lines: AsyncIterator[str]) -> None:
    async for line in lines:
        if line == wanted:
            return
    raise AssertionError(f"the stream ended without {wanted}")


async def text_of(query: str, **limits: float) -> str:
    async with listening(served(**limits).app) as port, stream(port, query) as response:  # type: ignore[arg-type]
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return (await response.aread()).decode()


async def test_a_subscription_is_a_stream_of_events_that_completes() -> None:
    assert await text_of("subscription { count(to: 2) }") == (
        ":\n\n"
        'event: next\ndata: {"data":{"count":1}}\n\n'
        'event: next\ndata: {"data":{"count":2}}\n\n'
        "event: complete\ndata:\n\n"
    )


async def test_a_query_and_a_broken_document_are_one_event() -> None:
    assert (
        await text_of("{ viewer }") == ':\n\nevent: next\ndata: {"data":{"viewer":"ann"}}\n\nevent: complete\ndata:\n\n'
    )
    assert '"code":"GRAPHQL_VALIDATION_FAILED"' in await text_of("{ nope }")


async def test_a_stream_that_breaks_says_so_and_completes() -> None:
    text = await text_of("subscription { breaks }")
    assert text.endswith("event: complete\ndata:\n\n")
    assert '"code":"INTERNAL_ERROR"' in text
    assert "secret" not in text


async def test_a_silent_stream_shows_signs_of_life() -> None:
    made = served(heartbeat=0.01)
    async with listening(made.app) as port, stream(port, "subscription { forever }") as response:
        lines = response.aiter_lines()
        await until('data: {"data":{"forever":1}}', lines)
        await until(":", lines)
        await until(":", lines)


async def test_a_stream_ends_when_its_client_goes_away() -> None:
    made = served()
    async with listening(made.app) as port:
        async with stream(port, "subscription { forever }") as response:
            await until('data: {"data":{"forever":1}}', response.aiter_lines())
        await asyncio.wait_for(made.world.ended.wait(), 5)
    assert made.world.open_streams == 0


async def test_a_stream_ends_when_the_process_is_about_to_end_without_complete() -> None:
    made = served()
    async with listening(made.app) as port, stream(port, "subscription { forever }") as response:
        made.service.shutdown.begin()
        text = (await response.aread()).decode()
    assert "event: complete" not in text
    assert made.world.open_streams == 0


async def test_a_stream_ends_when_its_token_is_revoked_and_not_when_it_cannot_be_looked_at() -> None:
    made = served(token_recheck=0.01)
    looked: list[str | None] = []

    async def authenticate(token: str | None) -> object | None:
        looked.append(token)
        if len(looked) == 2:
            raise ConnectionError("the database is gone")
        return "ann" if len(looked) < 4 else None

    made.service.authenticate = authenticate
    async with listening(made.app) as port, stream(port, "subscription { forever }") as response:
        text = (await response.aread()).decode()
    assert text == ':\n\nevent: next\ndata: {"data":{"forever":1}}\n\n'
    assert (looked, made.world.open_streams) == (["good"] * 4, 0)


async def test_a_token_holds_so_many_streams_and_no_more() -> None:
    made = served(per_token=1)
    async with listening(made.app) as port, stream(port, "subscription { forever }") as response:
        await until('data: {"data":{"forever":1}}', response.aiter_lines())
        async with stream(port, "subscription { forever }") as second:
            answer = orjson.loads(await second.aread())
    assert (second.status_code, answer["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_SUBSCRIPTIONS")


async def abandon(made: Served, query: str) -> None:
    """Send a request on a plain connection, and close it while the resolver is at work."""
    async with listening(made.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        body = orjson.dumps({"query": query})
        head = (
            "POST /graphql HTTP/1.1\r\nhost: berth\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n"
        )
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await asyncio.wait_for(made.world.started.wait(), 5)
        writer.close()
        await writer.wait_closed()
        if query.startswith("mutation"):
            made.world.release.set()
        await asyncio.wait_for(made.world.ended.wait(), 5)


async def test_a_read_is_cancelled_when_its_client_goes_away() -> None:
    made = served()
    await abandon(made, "{ slow }")
    assert made.world.cancelled == 1


async def test_a_write_goes_on_when_its_client_goes_away() -> None:
    made = served()
    await abandon(made, 'mutation { write(value: "x") }')
    assert (made.world.writes, made.world.cancelled) == (["x"], 0)
