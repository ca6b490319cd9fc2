"""The graphql-transport-ws protocol: its table of frames and closes, access, limits, and work that clients abandon."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.transport.serving import listening, served
from tests.transport.sockets import INIT, PROTOCOL, Socket, socket


async def test_a_subscription_sends_its_events_and_completes() -> None:
    async with socket() as client:
        await client.subscribe("1", "subscription { count(to: 2) }")
        assert [await client.receive() for _ in range(3)] == [
            {"id": "1", "type": "next", "payload": {"data": {"count": 1}}},
            {"id": "1", "type": "next", "payload": {"data": {"count": 2}}},
            {"id": "1", "type": "complete"},
        ]


async def test_queries_and_mutations_answer_once_and_the_id_is_free_again() -> None:
    made = served()
    made.world.release.set()
    async with socket(made) as client:
        for query, data in (("{ viewer }", {"viewer": "ann"}), ('mutation { write(value: "x") }', {"write": "x"})):
            await client.subscribe("1", query)
            assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": data}}
            assert await client.receive() == {"id": "1", "type": "complete"}


async def test_pings_are_answered_with_their_payload_and_pongs_are_not() -> None:
    async with socket(init=False) as client:
        assert await client.ask({"type": "ping"}) == {"type": "pong"}
        await client.send({"type": "pong"})
        assert await client.ask({"type": "ping", "payload": {"n": 1}}) == {"type": "pong", "payload": {"n": 1}}


async def test_a_missing_token_closes_with_4401_and_a_wrong_one_with_4403() -> None:
    missing: list[Any] = [{}, None, {"token": ""}, {"token": 5}, {"Authorization": "Basic x"}]
    wrong: list[Any] = [{"token": "wrong"}, {"Authorization": "Bearer wrong"}]
    async with listening(served().app) as port:
        for payload in missing + wrong:
            async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as connection:
                client = Socket(connection)
                await client.send({"type": "connection_init", "payload": payload})
                assert (payload, (await client.closed())[0]) == (payload, 4401 if payload in missing else 4403)


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer good"}, {"authorization": "bearer good"}])
async def test_the_token_may_come_as_a_header_would(payload: Any) -> None:
    async with socket(init=False) as client:
        assert await client.ask({"type": "connection_init", "payload": payload}) == {"type": "connection_ack"}


async def test_another_protocol_closes_with_4406() -> None:
    async with listening(served().app) as port, connect(f"ws://127.0.0.1:{port}/graphql") as connection:
        assert await Socket(connection).closed() == (4406, "Subprotocol not acceptable")


async def test_the_legacy_protocol_is_not_spoken() -> None:
    with pytest.raises((ConnectionClosed, AssertionError)):
        async with socket(protocol="graphql-ws"):
            pass


async def test_a_subscribe_before_init_closes_with_4401_and_a_second_init_with_4429() -> None:
    async with socket(init=False) as client:
        await client.subscribe("1", "{ viewer }")
        assert (await client.closed())[0] == 4401
    async with socket() as client:
        await client.send(INIT)
        assert (await client.closed())[0] == 4429


async def test_a_socket_that_does_not_say_who_asks_is_closed_with_4408() -> None:
    async with socket(served(websocket_init=0.01), init=False) as client:
        assert (await client.closed())[0] == 4408


async def test_a_flood_before_init_is_closed_with_4400_and_delays_nobody() -> None:
    async with socket(init=False) as client:
        with suppress(ConnectionClosed):
            for _ in range(20_000):
                await client.send({"type": "pong"})
        assert (await client.closed())[0] == 4400
    async with socket(init=False) as client:
        for _ in range(50):
            await client.send({"type": "pong"})
        assert (await client.ask(INIT))["type"] == "connection_ack"


BROKEN: list[Any] = [
    "", "{", "5", "[]", '"text"', b"{}", {}, {"type": 5}, {"type": "start", "id": "1"}, {"type": "ping", "payload": 5},
    {"type": "complete"}, {"type": "complete", "id": ["1"]},
    {"type": "subscribe", "id": "1"}, {"type": "subscribe", "id": 1, "payload": {"query": "{ viewer }"}},
    {"type": "subscribe", "id": "", "payload": {"query": "{ viewer }"}},
    {"type": "subscribe", "id": "1", "payload": []}, {"type": "subscribe", "id": "1", "payload": {"query": 5}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ viewer }", "variables": [1]}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ viewer }", "operationName": 1}},
]  # fmt: skip


async def test_a_broken_frame_closes_with_4400_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(served().app) as port:
        for frame in BROKEN:
            address = f"ws://127.0.0.1:{port}/graphql"
            async with connect(address, subprotocols=[PROTOCOL]) as connection:
                client = Socket(connection)
                await client.ask(INIT)
                await client.send(frame)
                assert (frame, (await client.closed())[0]) == (frame, 4400)
    assert "Traceback" not in capsys.readouterr().out


async def test_an_id_in_use_closes_with_4409() -> None:
    async with socket() as client:
        for _ in range(2):
            await client.subscribe("1", "subscription { forever }")
        assert await client.closed() == (4409, "Subscriber for 1 already exists")


@pytest.mark.parametrize(
    ("query", "code"),
    [("{", "GRAPHQL_PARSE_FAILED"), ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
     ("{" + "viewer " * 21 + "}", "QUERY_TOO_COMPLEX"),
     ("subscription { breaks(refused: 5) }", "GRAPHQL_VALIDATION_FAILED")],
)  # fmt: skip
async def test_a_broken_operation_ends_alone(query: str, code: str) -> None:
    async with socket() as client:
        await client.subscribe("a", "subscription { forever }")
        assert (await client.receive())["payload"] == {"data": {"forever": 1}}
        await client.subscribe("b", query)
        answer = await client.receive()
        assert (answer["id"], answer["type"], answer["payload"][0]["extensions"]["code"]) == ("b", "error", code)
        await client.subscribe("b", "{ viewer }")
        assert (await client.receive())["payload"] == {"data": {"viewer": "ann"}}


@pytest.mark.parametrize(("refused", "code"), [("true", "NOT_FOUND"), ("false", "INTERNAL_ERROR")])
async def test_a_stream_that_breaks_ends_with_an_error_and_tells_no_secret(refused: str, code: str) -> None:
    async with socket() as client:
        await client.subscribe("1", f"subscription {{ breaks(refused: {refused}) }}")
        assert (await client.receive())["payload"] == {"data": {"breaks": 1}}
        answer = await client.receive()
        assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", code)
        assert "secret" not in str(answer)


async def test_each_operation_and_each_event_has_loaders_of_its_own() -> None:
    async with socket() as client:
        for operation_id in "12":
            await client.subscribe(operation_id, "{ loads }")
            assert (await client.receive())["payload"] == {"data": {"loads": 1}}
            await client.receive()
        await client.subscribe("3", "subscription { event { loads } }")
        assert [(await client.receive())["payload"] for _ in range(2)] == [{"data": {"event": {"loads": 1}}}] * 2


async def test_complete_ends_a_subscription_and_a_read() -> None:
    made = served()
    async with socket(made) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        await client.send({"id": "1", "type": "complete"})
        await asyncio.wait_for(made.world.ended.wait(), 5)
        assert made.world.open_streams == 0
        made.world.ended.clear()
        await client.subscribe("1", "{ slow }")
        await asyncio.wait_for(made.world.started.wait(), 5)
        await client.send({"id": "1", "type": "complete"})
        await asyncio.wait_for(made.world.ended.wait(), 5)
        assert made.world.cancelled == 1


@pytest.mark.parametrize("how", ["complete", "close"])
async def test_a_write_goes_on_when_its_client_goes_away(how: str) -> None:
    made = served()
    async with socket(made) as client:
        await client.subscribe("1", 'mutation { write(value: "x") }')
        await asyncio.wait_for(made.world.started.wait(), 5)
        if how == "complete":
            await client.send({"id": "1", "type": "complete"})
            await client.ask({"type": "ping"})
    made.world.release.set()
    await asyncio.wait_for(made.service.operations.finish_writes(), 5)
    assert (made.world.writes, made.world.cancelled) == (["x"], 0)


async def test_writes_that_clients_leave_behind_do_not_heap_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.operations.MOST_WRITES", 2)
    made = served()
    async with socket(made) as client:
        for operation_id in "123":
            await client.subscribe(operation_id, 'mutation { write(value: "x") }')
        refused = await client.receive()
        made.world.release.set()
        await asyncio.wait_for(made.service.operations.finish_writes(), 5)
    assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("3", "BUSY")
    assert made.world.writes == ["x", "x"]


async def test_an_abandoned_id_may_be_used_again_at_once() -> None:
    made = served()
    async with socket(made) as client:
        await client.subscribe("1", "{ slow }")
        await client.send({"id": "1", "type": "complete"})
        await client.subscribe("1", "{ viewer }")
        assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": {"viewer": "ann"}}}
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_a_connection_and_a_token_hold_so_many_operations_and_no_more() -> None:
    async with socket(served(operations=2)) as client:
        for operation_id in "123":
            await client.subscribe(operation_id, "subscription { forever }")
        last = [await client.receive() for _ in range(3)]
        refused = next(frame for frame in last if frame["type"] == "error")
        assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("3", "TOO_MANY_SUBSCRIPTIONS")
    made = served(per_token=1)
    async with socket(made) as client:
        for operation_id in "12":
            await client.subscribe(operation_id, "subscription { forever }")
            answer = await client.receive()
        assert (answer["id"], answer["type"]) == ("2", "error")
        await client.send({"id": "1", "type": "complete"})
        await asyncio.wait_for(made.world.ended.wait(), 5)
        await client.subscribe("3", "subscription { forever }")
        assert (await client.receive())["payload"] == {"data": {"forever": 1}}


async def test_a_token_that_is_revoked_ends_open_streams_and_new_operations() -> None:
    made = served(token_recheck=0.01)
    async with socket(made) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        made.tokens.clear()
        assert (await client.closed())[0] == 4403
    made = served()
    async with socket(made) as client:
        made.tokens.clear()
        await client.subscribe("1", "{ viewer }")
        assert (await client.closed())[0] == 4403


async def test_a_token_holds_so_many_websockets_and_no_more() -> None:
    async with listening(served(websockets=1).app) as port:
        address = f"ws://127.0.0.1:{port}/graphql"
        async with connect(address, subprotocols=[PROTOCOL]) as first:
            await Socket(first).ask(INIT)
            async with connect(address, subprotocols=[PROTOCOL]) as second:
                await Socket(second).send(INIT)
                assert (await Socket(second).closed())[0] == 1013


@pytest.mark.parametrize(
    ("failure", "closed"),
    [
        (RuntimeError("db is broken"), (1011, "Internal error")),
        (ConnectionError("db is gone"), (1013, "The database does not answer now")),
    ],
    ids=["bug", "database away"],
)
async def test_a_token_look_up_that_fails_closes_by_what_failed(
    capsys: pytest.CaptureFixture[str], failure: Exception, closed: tuple[int, str]
) -> None:
    async def breaks(_token: str | None) -> object | None:
        raise failure

    made = served()
    made.service.authenticate = breaks
    async with socket(made, init=False) as client:
        await client.send(INIT)
        assert await client.closed() == closed
    assert str(failure) in capsys.readouterr().out


async def test_a_stream_that_always_has_more_leaves_room_for_others() -> None:
    async with socket() as client:
        await client.subscribe("1", "subscription { count(to: 500) }")
        await client.subscribe("2", "{ viewer }")
        ids = [(await client.receive())["id"] for _ in range(500 + 1 + 2)]
        assert ids.index("2") < 400
