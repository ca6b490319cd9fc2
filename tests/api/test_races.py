"""What goes away while an instance is being made of it."""

import asyncio

import asyncpg
import pytest

from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import everything

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.mark.parametrize(
    ("field", "statement"),
    [
        ("environmentId", "DELETE FROM environment WHERE id = $1"),
        ("clusterId", "UPDATE cluster SET removed_at = now() WHERE id = $1"),
    ],
)
async def test_an_instance_is_not_made_of_what_goes_meanwhile(
    berth: object, database_url: str, field: str, statement: str
) -> None:
    world = await makers.world()
    ids = {"environmentId": world.environment.id, "clusterId": world.cluster.id}
    wanted = {"appId": world.app.id, "instance": {"name": "dev", **ids}}
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute(f"SELECT 1 FROM {field.removesuffix('Id')} WHERE id = $1 FOR UPDATE", ids[field])
        await other.execute(statement, ids[field])
        making = asyncio.create_task(Api(world.owner).change("createInstance", wanted, "problems { code path }"))
        async with asyncio.timeout(10):
            while not making.done() and not await other.fetchval(_WAITING):
                pass
    await other.close()
    answer = await making
    assert answer["problems"] == [{"code": "NOT_FOUND", "path": f"input.instance.{field}"}]
    left = await everything()
    assert (left["instance"], left["task"], left["event"]) == ([], [], [])
