"""Rows that somebody has locked and does not let go: only what is about those rows waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from models import Task
from tests.kit.sandbox import Sandbox

Transaction = Callable[[str], AbstractAsyncContextManager[None]]
PROMPTLY = 5.0
STARTED = "instance { id } task { id } problems { code }"


@pytest.fixture
def stuck(opened_database: str) -> Transaction:
    """A transaction that has done these statements, and does nothing more for the length of a block."""

    @asynccontextmanager
    async def begun(statements: str) -> AsyncIterator[None]:
        connection = await asyncpg.connect(opened_database)
        try:
            await connection.execute(f"BEGIN; {statements}")
            yield
        finally:
            await connection.close()

    return begun


async def create(sandbox: Sandbox, name: str) -> str:
    """Starts the creation of an instance; the id of its task."""
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance(name)}
    return str((await sandbox.api.change("createInstance", given, STARTED))["task"]["id"])


async def test_a_task_that_is_locked_keeps_no_other_from_being_taken(sandbox: Sandbox, stuck: Transaction) -> None:
    locked, free = [await create(sandbox, name) for name in ("locked", "free")]
    async with stuck(f"UPDATE task SET seq = seq WHERE id = '{locked}'"):
        async with asyncio.timeout(PROMPTLY):
            assert await sandbox.runner.sweep() == 1
        assert sandbox.runner.running == [free]
    await sandbox.drain()
    assert [(await Task.get(id=id)).state for id in (locked, free)] == ["DONE", "DONE"]


async def test_a_task_that_is_locked_keeps_no_other_from_being_renewed(sandbox: Sandbox, stuck: Transaction) -> None:
    sandbox.simulator.fault("slow", path="/api/v1/namespaces/kube-system", seconds=60.0)
    locked, free = [await create(sandbox, name) for name in ("locked", "free")]
    assert await sandbox.runner.sweep() == 2

    async def until_when(id: str) -> Any:
        return (await Task.get(id=id)).lease_until

    before = {id: await until_when(id) for id in (locked, free)}
    async with stuck(f"UPDATE task SET seq = seq WHERE id = '{locked}'"):
        async with asyncio.timeout(PROMPTLY):
            await sandbox.runner.renew()
        assert await until_when(free) > before[free]
        assert await until_when(locked) == before[locked]
        assert sandbox.runner.running == [locked, free]
    await sandbox.runner.renew()
    assert await until_when(locked) > before[locked]


async def test_a_step_that_is_being_marked_delays_no_change_of_its_app(sandbox: Sandbox, stuck: Transaction) -> None:
    id = await sandbox.create()
    task = await Task.get(instance_id=id)
    # The second change of a row in one transaction has every reference of it looked at anew, and so locked.
    marked = f"UPDATE task SET seq = seq WHERE id = '{task.id}';"
    async with stuck(marked + marked):
        async with asyncio.timeout(PROMPTLY):
            deployed = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
            await create(sandbox, "other")
    assert deployed["problems"] == []
    await sandbox.drain()
    assert await sandbox.state(id) == "OK"
