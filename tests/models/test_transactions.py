"""A transaction gives its connection back, whatever stops it."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from models import database

POOL = 5


@pytest.fixture
async def opened(empty_database_url: str) -> Any:
    await database.open(empty_database_url, pool=POOL)
    await get_connection("default").execute_script("CREATE TABLE thing (id serial PRIMARY KEY, name text)")
    yield
    await database.close()


def pool() -> Any:
    return get_connection("default")._pool


async def insert(name: str) -> None:
    async with in_transaction() as connection:
        await connection.execute_query("INSERT INTO thing (name) VALUES ($1)", [name])
        async with in_transaction() as inner:
            await inner.execute_query("SELECT 1")


async def names() -> list[str]:
    rows = await get_connection("default").execute_query_dict("SELECT name FROM thing ORDER BY id")
    return [row["name"] for row in rows]


async def test_the_pool_is_whole_after_a_thousand_random_cancellations(
    opened: None, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(1)
    for number in range(1000):
        task = asyncio.create_task(insert(str(number)))
        async with asyncio.timeout(5):
            for _ in range(chance.randrange(40)):
                await asyncio.sleep(0)
                if chance.random() < 0.1:
                    await get_connection("default").execute_query("SELECT 1")
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    async with asyncio.timeout(5):
        await asyncio.gather(*(insert("after") for _ in range(4 * POOL)))
    assert pool().get_idle_size() == pool().get_size() == POOL
    assert (await names()).count("after") == 4 * POOL
    assert [record.message for record in caplog.records] == []


async def test_no_transaction_stays_open_after_cancellations(opened: None) -> None:
    for steps in range(60):
        task = asyncio.create_task(insert("x"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    rows = await get_connection("default").execute_query_dict(
        "SELECT state, count(*) AS n FROM pg_stat_activity "
        "WHERE application_name = 'berth' AND pid <> pg_backend_pid() GROUP BY state"
    )
    assert {row["state"] for row in rows} == {"idle"}


async def test_a_second_cancellation_does_not_break_the_rollback_off(opened: None) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with in_transaction() as connection:
            await connection.execute_query("INSERT INTO thing (name) VALUES ('never')")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names() == []
    assert pool().get_idle_size() == pool().get_size()


async def test_a_failure_rolls_back_and_is_the_error_that_is_seen(opened: None) -> None:
    async def work() -> None:
        async with in_transaction() as connection:
            await connection.execute_query("INSERT INTO thing (name) VALUES ('never')")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await work()
    assert await names() == []


async def test_a_connection_lost_in_a_transaction_is_replaced(opened: None) -> None:
    outside = pool()

    async def work() -> None:
        async with in_transaction() as connection:
            rows = await connection.execute_query_dict("SELECT pg_backend_pid() AS pid")
            await outside.execute("SELECT pg_terminate_backend($1)", rows[0]["pid"])
            await connection.execute_query("SELECT 1")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        await work()
    await insert("after")
    assert await names() == ["after"]
    assert pool().get_idle_size() == pool().get_size()


async def test_a_statement_has_a_time_limit(opened: None) -> None:
    rows = await get_connection("default").execute_query_dict("SHOW statement_timeout")
    assert rows == [{"statement_timeout": "30s"}]
    rows = await get_connection("default").execute_query_dict("SHOW idle_in_transaction_session_timeout")
    assert rows == [{"idle_in_transaction_session_timeout": "30s"}]
