"""The listening connection says what is notified, and after a loss that all must be looked at."""

import asyncio
from contextlib import aclosing

import asyncpg

from models.database import Notification, listen

WITHIN = 10


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_notifications_arrive_after_one_that_says_look_at_everything(empty_database_url: str) -> None:
    async with asyncio.timeout(WITHIN), aclosing(listen(empty_database_url, ["task", "event"])) as heard:
        assert {await anext(heard), await anext(heard)} == {Notification("task", ""), Notification("event", "")}
        await execute(empty_database_url, "SELECT pg_notify('task', 'tsk_1')")
        assert await anext(heard) == Notification("task", "tsk_1")


async def test_a_lost_connection_is_made_again(empty_database_url: str) -> None:
    async with asyncio.timeout(WITHIN), aclosing(listen(empty_database_url, ["task"])) as heard:
        await anext(heard)
        await execute(
            empty_database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'berth listen'",
        )
        assert await anext(heard) == Notification("task", "")
        await execute(empty_database_url, "SELECT pg_notify('task', 'tsk_2')")
        assert await anext(heard) == Notification("task", "tsk_2")


async def test_the_same_notification_waits_once_for_a_slow_reader(empty_database_url: str) -> None:
    async with asyncio.timeout(WITHIN), aclosing(listen(empty_database_url, ["task"])) as heard:
        await anext(heard)
        for payload in ("a", "a", "b", "a", "last"):
            await execute(empty_database_url, f"SELECT pg_notify('task', '{payload}')")
        assert [(await anext(heard)).payload for _ in range(3)] == ["a", "b", "last"]
