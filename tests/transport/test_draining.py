"""The end of a process: streams say where to go on, sockets leave one after another, the server hears of it last."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from resolvers.session import ACCESS_LOST, Session
from tests.transport.serving import listening, served
from tests.transport.sockets import INIT, PROTOCOL, Socket, socket
from tests.transport.test_streaming import stream, until
from transport.access import until_revoked
from transport.shutdown import Shutdown

POLITE = "subscription { polite }"
NEVER = 10_000.0
"""A spread that leaves every turn further away than a test waits."""


def told(value: str) -> dict[str, Any]:
    return {"id": "1", "type": "next", "payload": {"data": {"polite": value}}}


async def test_each_stream_of_a_socket_says_why_it_ends_and_then_the_socket_closes_with_1001() -> None:
    made = served()
    async with socket(made) as client:
        await client.subscribe("1", POLITE)
        assert await client.receive() == told("open")
        made.service.shutdown.begin()
        assert await client.receive() == told("SERVER_DRAIN")
        assert await client.receive() == {"id": "1", "type": "complete"}
        assert await client.closed() == (1001, "The server is ending: come back with the last cursor.")


async def test_an_event_stream_says_why_it_ends_and_completes() -> None:
    made = served()
    async with listening(made.app) as port, stream(port, POLITE) as response:
        lines = response.aiter_lines()
        await until('data: {"data":{"polite":"open"}}', lines)
        made.service.shutdown.begin()
        rest = [line async for line in lines if line]
    assert rest == ["event: next", 'data: {"data":{"polite":"SERVER_DRAIN"}}', "event: complete", "data:"]


async def test_a_stream_that_has_nothing_to_say_is_cut_after_a_moment() -> None:
    made = served(farewell=0.01)
    async with socket(made) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        made.service.shutdown.begin()
        assert (await client.closed())[0] == 1001
    assert made.world.open_streams == 0


async def test_a_read_that_is_under_way_is_answered_before_its_socket_closes() -> None:
    made = served()
    async with socket(made) as client:
        await client.subscribe("1", "{ slow }")
        await asyncio.wait_for(made.world.started.wait(), 5)
        made.service.shutdown.begin()
        made.world.release.set()
        assert (await client.receive())["payload"] == {"data": {"slow": "done"}}


async def test_nothing_new_begins_and_what_is_open_goes_on_until_its_turn() -> None:
    made = served(shutdown=Shutdown(spread=NEVER))
    async with listening(made.app) as port, made.client() as http, stream(port, POLITE) as response:
        lines = response.aiter_lines()
        await until('data: {"data":{"polite":"open"}}', lines)
        async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as connection:
            client = Socket(connection)
            await client.ask(INIT)
            made.service.shutdown.begin()
            refused = await http.post("/graphql", json={"query": POLITE}, headers={"accept": "text/event-stream"})
            error = refused.json()["errors"][0]["extensions"]
            assert (refused.status_code, error["code"], error["retryable"]) == (503, "SERVER_DRAIN", True)
            assert (await http.post("/graphql", json={"query": "{ viewer }"})).json() == {"data": {"viewer": "ann"}}
            async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as late:
                assert (await Socket(late).closed())[0] == 1001
            await client.subscribe("2", "{ viewer }")
            assert (await client.receive())["payload"] == {"data": {"viewer": "ann"}}
            assert (await client.receive())["type"] == "complete"
            await client.subscribe("1", POLITE)
            answer = await client.receive()
            assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "SERVER_DRAIN")
            assert (await client.closed())[0] == 1001, "who asks for a stream need not wait for its turn"
        assert made.service.shutdown._open == 1


async def test_a_revoked_token_is_a_reason_that_streams_tell_before_their_socket_closes() -> None:
    made = served(token_recheck=0.01)
    async with socket(made) as client:
        await client.subscribe("1", POLITE)
        assert await client.receive() == told("open")
        made.tokens.clear()
        assert await client.receive() == told("ACCESS_LOST")
        assert await client.receive() == {"id": "1", "type": "complete"}
        assert await client.closed() == (4403, "The token is revoked or past its end.")


async def test_a_token_is_looked_at_once_more_when_its_last_stream_has_ended() -> None:
    looks: list[object | None] = [object(), None]
    streams = [False, True, False]

    async def authenticate(_token: str | None) -> object | None:
        return looks.pop(0)

    def watched() -> bool:
        return bool(streams and streams.pop(0))

    async with asyncio.timeout(5):
        assert await until_revoked(authenticate, Session("token", stays=True), 0.001, watched) == ACCESS_LOST
    assert (looks, streams) == ([], [])


@asynccontextmanager
async def at_signal(shutdown: Shutdown, heard: list[str]) -> AsyncIterator[None]:
    own = signal.signal(signal.SIGTERM, lambda *_: heard.append("server"))
    try:
        with shutdown.on_signals():
            yield
        signal.raise_signal(signal.SIGTERM)
        assert heard[-1] == "server", "it is deaf afterwards"
    finally:
        signal.signal(signal.SIGTERM, own)


async def heard_by_the_server(heard: list[str]) -> None:
    async with asyncio.timeout(5):
        while "server" not in heard:
            await asyncio.sleep(0.001)


async def test_the_server_hears_of_a_signal_when_nothing_is_open_any_more() -> None:
    shutdown, heard = Shutdown(), list[str]()
    async with at_signal(shutdown, heard):
        with shutdown.holding():
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(shutdown.turn(), 5)
            heard.append("closed")
        await heard_by_the_server(heard)
    assert heard[:2] == ["closed", "server"]


@pytest.mark.parametrize("twice", [False, True])
async def test_the_server_hears_of_it_when_it_takes_too_long_or_at_a_second_signal(twice: bool) -> None:
    shutdown, heard = Shutdown(patience=NEVER if twice else 0.01), list[str]()
    async with at_signal(shutdown, heard):
        with shutdown.holding():
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(shutdown.turn(), 5)
            if twice:
                signal.raise_signal(signal.SIGTERM)
            await heard_by_the_server(heard)


async def test_turns_are_spread_over_a_bounded_time() -> None:
    shutdown = Shutdown(spread=0.05)
    loop = asyncio.get_running_loop()

    async def turn() -> float:
        await shutdown.turn()
        return loop.time() - began

    waiting = [asyncio.create_task(turn()) for _ in range(50)]
    began = loop.time()
    shutdown.begin()
    async with asyncio.timeout(5):
        after = sorted(await asyncio.gather(*waiting))
    assert after[-1] - after[0] > 0.02


async def test_a_signal_lets_streams_end_and_then_the_process() -> None:
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.transport.a_process", cwd=root, stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    try:
        assert process.stdout
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        async with (
            stream(port, POLITE) as response,
            connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as connection,
        ):
            client, lines = Socket(connection), response.aiter_lines()
            await client.ask(INIT)
            await client.subscribe("1", POLITE)
            assert await client.receive() == told("open")
            await until('data: {"data":{"polite":"open"}}', lines)
            process.send_signal(signal.SIGTERM)
            assert await client.receive() == told("SERVER_DRAIN")
            assert await client.receive() == {"id": "1", "type": "complete"}
            assert (await client.closed())[0] == 1001
            assert [orjson.loads(line[6:]) async for line in lines if line.startswith("data: {")] == [
                {"data": {"polite": "SERVER_DRAIN"}}
            ]
        assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGTERM
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient() as gone:
                await gone.get(f"http://127.0.0.1:{port}/")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
