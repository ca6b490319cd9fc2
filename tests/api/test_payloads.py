"""What every mutation has in common."""

import asyncio
from typing import Any

import asyncpg
import pytest
import strawberry

from models import Environment
from resolvers.changes import Ask, Changed
from resolvers.taken import MEANING
from schema.payloads import Change, changed_by
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import everything


async def test_a_client_that_goes_away_does_not_stop_a_change_in_the_middle(berth: object, database_url: str) -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST"}
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM organization WHERE id = $1 FOR UPDATE", world.organization.id)
        client = asyncio.create_task(Api(world.owner).change("createEnvironment", wanted, "problems { code }"))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with asyncio.timeout(10):
            while not await other.fetchval(waiting):
                pass
        client.cancel()
        await asyncio.sleep(0)
        assert not client.done()
    with pytest.raises(asyncio.CancelledError):
        await client
    await other.close()
    assert await Environment.filter(organization_id=world.organization.id, name="qa").count() == 1


@pytest.mark.parametrize("field", ["organizationId", "title", "idempotencyKey"])
async def test_a_text_that_cannot_be_stored_is_one_problem(berth: object, field: str) -> None:
    world = await makers.world()
    before = await everything()
    wanted: dict[str, Any] = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", field: "a\x00b"}
    answer = await Api(world.owner).change("createEnvironment", wanted, "problems { code message path }")
    message = "A text cannot hold the character U+0000."
    assert answer["problems"] == [{"code": "INVALID_INPUT", "message": message, "path": "input"}]
    assert await everything() == before


async def test_an_empty_or_endless_key_is_refused(berth: object) -> None:
    world = await makers.world()
    before = await everything()
    for key in ("", "x" * 256):
        wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", "idempotencyKey": key}
        answer = await Api(world.owner).change("createEnvironment", wanted, "problems { code path }")
        assert answer["problems"] == [{"code": "INVALID_INPUT", "path": "input.idempotencyKey"}]
    assert await everything() == before


async def test_every_constraint_that_has_a_meaning_is_there(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    names = await connection.fetch(
        "SELECT relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE indisunique"
    )
    await connection.close()
    assert MEANING.keys() - {row["relname"] for row in names} == set()


def test_an_input_that_its_resolver_does_not_take_fails_at_import() -> None:
    @strawberry.input
    class SomeInput(Change):
        name: str

    async def resolve(ask: Ask, title: str) -> Changed:
        raise AssertionError("never called")

    with pytest.raises(TypeError, match=r"resolve takes \['title'\], and SomeInput has \['name'\]\."):
        changed_by(resolve, SomeInput, description="Nothing.")
