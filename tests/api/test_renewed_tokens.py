"""A token is renewed on the open socket: its streams stay, with the rights of the new one, and end with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.asyncio.client import connect

from live.events import bells
from models import Token, User
from resolvers.auth import authenticate
from resolvers.session import Session
from rules.enums import Scope
from settings import settings
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.endpoint import application, service
from tests.transport.serving import listening
from tests.transport.sockets import PROTOCOL, Socket

pytestmark = pytest.mark.usefixtures("berth")

RENEW = "mutation($token: String!) { renewToken(input: {token: $token}) { token { id } problems { code path } } }"
EVENTS = """subscription($id: ID!) { instanceEvents(id: $id) {
  is: __typename ... on InstanceChanged { title } ... on StreamEnded { endReason retryable } } }"""


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch, opened_database: str) -> AsyncIterator[None]:
    """Streams that look often."""
    monkeypatch.setenv("BERTH_TOKEN_RECHECK", "0.02")
    monkeypatch.setenv("BERTH_EVENT_POLL", "0.02")
    settings.cache_clear()
    bells.open(opened_database)
    yield
    await bells.close()
    monkeypatch.undo()
    settings.cache_clear()


async def revoke(*tokens: Token) -> None:
    await Token.filter(id__in=[token.id for token in tokens]).update(revoked_at=datetime.now(UTC))


async def renewal(session: Session, world: makers.World, token: str) -> Any:
    return (await Api(world.owner, session).query(RENEW, token=token))["renewToken"]


async def test_a_connection_takes_a_good_token_of_its_own_user_and_no_other() -> None:
    world = await makers.world()
    user = await User.get(id=world.owner.user_id)
    token, secret = await makers.token(user, Scope.READ)
    ended, wrong = await makers.token(user)
    await revoke(ended)
    _, foreign = await makers.token(await makers.member(world.organization))
    session = Session("first", stays=True)
    for given, code in ((wrong, "INVALID_INPUT"), ("berth_nonsense", "INVALID_INPUT"), (foreign, "FORBIDDEN")):
        refused = await renewal(session, world, given)
        assert refused == {"token": None, "problems": [{"code": code, "path": "input.token"}]}
        assert (session.token, session.renewed) == ("first", None)
    assert await renewal(session, world, secret) == {"token": {"id": token.id}, "problems": []}
    assert (session.token, session.renewed) == (secret, await authenticate(secret))


async def test_a_request_that_is_over_with_its_answer_has_nothing_to_renew() -> None:
    world = await makers.world()
    _, secret = await makers.token(await User.get(id=world.owner.user_id))
    refused = await renewal(Session("first"), world, secret)
    assert refused == {"token": None, "problems": [{"code": "INVALID_INPUT", "path": None}]}


@asynccontextmanager
async def socket(port: int, secret: str) -> AsyncIterator[Socket]:
    async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as connection:
        client = Socket(connection)
        assert await client.ask({"type": "connection_init", "payload": {"token": secret}}) == {"type": "connection_ack"}
        yield client


@pytest.mark.usefixtures("quick")
async def test_streams_outlive_their_first_token_and_end_with_the_one_that_took_its_place() -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    user = await User.get(id=world.owner.user_id)
    (first, old), (second, new) = await makers.token(user), await makers.token(user, Scope.READ)
    async with listening(application(service(token_recheck=0.02))) as port, socket(port, old) as client:
        await client.subscribe("events", EVENTS, variables={"id": instance.id})
        assert (await client.receive())["payload"]["data"]["instanceEvents"] == {"is": "InstanceSnapshot"}
        await client.subscribe("renew", RENEW, variables={"token": new})
        assert (await client.receive())["payload"]["data"]["renewToken"]["token"] == {"id": second.id}
        assert (await client.receive())["type"] == "complete"
        await revoke(first)
        for title in ("One", "Two"):
            await Api(world.owner).change("renameInstance", {"id": instance.id, "title": title}, "cursor")
            told = (await client.receive())["payload"]["data"]["instanceEvents"]
            assert told == {"is": "InstanceChanged", "title": title}
        await client.subscribe("me", "{ viewer { id } }")
        assert (await client.receive())["payload"]["data"]["viewer"]["id"] == user.id
        await client.receive()
        await revoke(second)
        told = (await client.receive())["payload"]["data"]["instanceEvents"]
        assert told == {"is": "StreamEnded", "endReason": "ACCESS_LOST", "retryable": False}
        assert (await client.receive())["type"] == "complete"
        assert (await client.closed())[0] == 4403
