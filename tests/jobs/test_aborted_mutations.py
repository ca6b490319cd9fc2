"""Clients that go away in the middle of a mutation: the write is whole or was never begun, and the pool is whole."""

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from tortoise.connection import get_connection
from websockets.asyncio.client import connect

from live.process import Process
from tests.kit import makers
from tests.kit.endpoint import application, service
from tests.transport.serving import listening

MUTATION = "mutation($input: CreateEnvironmentInput!) { createEnvironment(input: $input) { problems { code } } }"
SOCKETS, EACH = 20, 30


@pytest.fixture
async def port(berth: Process) -> AsyncIterator[int]:
    """A server with the real endpoint and the real schema."""
    async with listening(application(service())) as port:
        yield port


async def abort_many(port: int, secret: str, organization: str, socket: int) -> None:
    """Sends mutations, and takes each back after a moment; the last ones are cut off with the socket."""
    chance = random.Random(socket)
    async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"]) as websocket:  # type: ignore[list-item]
        await websocket.send(orjson.dumps({"type": "connection_init", "payload": {"token": secret}}).decode())
        await websocket.recv()
        for number in range(EACH):
            given = {"organizationId": organization, "name": f"e-{socket}-{number}", "type": "DEV"}
            payload = {"query": MUTATION, "variables": {"input": given}}
            message = {"id": str(number), "type": "subscribe", "payload": payload}
            await websocket.send(orjson.dumps(message).decode())
            await asyncio.sleep(chance.random() * 0.02)
            if number < EACH - 3:
                await websocket.send(orjson.dumps({"id": str(number), "type": "complete"}).decode())


async def test_six_hundred_aborted_mutations_leave_the_pool_whole(port: int) -> None:
    organization = await makers.organization()
    owner = await makers.member(organization)
    _, secret = await makers.token(owner)

    await asyncio.gather(*(abort_many(port, secret, organization.id, socket) for socket in range(SOCKETS)))

    async with httpx.AsyncClient(headers={"authorization": f"Bearer {secret}"}, timeout=10) as client:
        async with asyncio.timeout(10):
            answers = await asyncio.gather(
                *(
                    client.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ viewer { id } }"})
                    for _ in range(40)
                )
            )
    assert {answer.status_code for answer in answers} == {200}
    async with asyncio.timeout(10):
        while (counted := await count(organization.id))["in_transaction"]:
            await asyncio.sleep(0.02)
    assert counted["environments"] == counted["events"] > 0


async def count(organization: str) -> dict[str, int]:
    """What was written, and how many connections stand in a transaction."""
    rows = await get_connection("default").execute_query_dict(
        "SELECT (SELECT count(*) FROM environment WHERE organization_id = $1) AS environments, "
        "(SELECT count(*) FROM event WHERE subject = $1 AND kind = 'ENVIRONMENT_CREATED') AS events, "
        "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        " AND xact_start IS NOT NULL) AS in_transaction",
        [organization],
    )
    return rows[0]
