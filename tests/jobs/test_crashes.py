"""Workers, the queue and clients that die in the middle: the work is done once all the same."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tortoise.connection import get_connection

from models import Task
from simulator.kinds import DEPLOYMENTS, NAMESPACES
from tests.kit.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
STARTED = "instance { id } task { id } problems { code message }"

Workers = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
async def workers(sandbox: Sandbox, opened_database: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[Workers]:
    """Starts worker processes with leases of a second; those that still run are ended afterwards."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "DATABASE_URL": opened_database,
        "REDIS_URL": valkey_url,
        "BERTH_KEYRING": str(tmp_path / "keyring.json"),
        "BERTH_LEASE": "1",
        "BERTH_LEASE_MARGIN": "0.5",
        "BERTH_WRITE_TIMEOUT": "0.4",
        "BERTH_SWEEP": "0.2",
    }

    def start() -> "subprocess.Popen[bytes]":
        with (tmp_path / f"worker-{len(running)}.log").open("wb") as log:
            worker = subprocess.Popen([sys.executable, "cli.py", "worker"], cwd=ROOT, env=environment, stderr=log)
        running.append(worker)
        return worker

    yield start
    for worker in running:
        worker.terminate()
    for worker in running:
        worker.wait(10)


async def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Waits until an awaitable condition gives something; fails after so many seconds."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):
            await asyncio.sleep(0.02)
    return found


async def ended(task: str) -> Task | None:
    return await Task.get_or_none(id=task, ended_at__isnull=False)


def in_step(task: str, name: str) -> Callable[[], Any]:
    """Whether a task stands in a step."""

    async def stands() -> Any:
        return await get_connection("default").execute_query_dict(
            "SELECT id FROM step WHERE task_id = $1 AND name = $2 AND state = 'IN_PROGRESS'", [task, name]
        )

    return stands


async def whole(task: str) -> None:
    """The task's events are contiguous and have one end."""
    rows = await get_connection("default").execute_query_dict(
        "SELECT number, kind FROM event WHERE subject = $1 ORDER BY number", [task]
    )
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["kind"] for row in rows if row["kind"] == "END"] == ["END"]
    assert rows[-1]["kind"] == "END"


def namespaces(sandbox: Sandbox) -> list[str]:
    """The instances' namespaces in the cluster."""
    found = [made["metadata"]["name"] for made in sandbox.simulator.store.objects(NAMESPACES)]
    return sorted(name for name in found if name.startswith("shop-"))


@pytest.mark.parametrize("step", ["create-namespace", "apply"])
async def test_a_creation_whose_worker_is_killed_is_finished_by_another(
    sandbox: Sandbox, workers: Workers, step: str
) -> None:
    path = {"create-namespace": "/api/v1/namespaces", "apply": "*/deployments/*"}[step]
    sandbox.simulator.state.faults.add(fault="slow", path=path, seconds=30.0, times=1)
    first = workers()
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, STARTED)
    task = created["task"]["id"]
    await until(in_step(task, step))

    first.send_signal(signal.SIGKILL)
    first.wait()
    workers()

    done = await until(lambda: ended(task))
    assert (done.state, done.failure) == ("DONE", None)
    assert done.attempt >= 2
    assert await sandbox.state(created["instance"]["id"]) == "OK"
    assert namespaces(sandbox) == ["shop-dev"]
    await whole(task)


async def test_a_deletion_whose_worker_is_killed_is_finished_by_another(sandbox: Sandbox, workers: Workers) -> None:
    id = await sandbox.create()
    sandbox.simulator.state.faults.add(fault="slow", verb="delete", path="/api/v1/namespaces/*", seconds=30.0, times=1)
    first = workers()
    deleted = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    task = deleted["task"]["id"]
    await until(in_step(task, "delete-namespace"))

    first.send_signal(signal.SIGKILL)
    first.wait()
    workers()

    done = await until(lambda: ended(task))
    assert (done.state, done.failure) == ("DONE", None)
    assert await sandbox.state(id) is None
    assert namespaces(sandbox) == []
    await whole(task)


async def test_an_emptied_queue_loses_no_task(sandbox: Sandbox, workers: Workers, valkey_url: str) -> None:
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, STARTED)
    async with Redis.from_url(valkey_url) as queue:
        await queue.flushall()
    workers()
    done = await until(lambda: ended(created["task"]["id"]))
    assert done.state == "DONE"


async def written(sandbox: Sandbox) -> list[Any]:
    """All that tasks have written: their rows and events, and the objects in the cluster."""
    connection = get_connection("default")
    sources = (
        "task t",
        "job t",
        "step t",
        "log_line t",
        "deployment t",
        "event t WHERE kind <> 'RUNTIME' AND subject NOT LIKE 'cls%'",
    )
    rows = [await connection.execute_query_dict(f"SELECT t::text AS row FROM {one} ORDER BY 1") for one in sources]
    objects = [one["metadata"]["generation"] for one in sandbox.simulator.store.objects(DEPLOYMENTS)]
    return [rows, objects, namespaces(sandbox)]


async def test_a_worker_that_was_paused_past_its_lease_writes_nothing_more(
    sandbox: Sandbox, workers: Workers, tmp_path: Path
) -> None:
    sandbox.simulator.fault("slow", path="/api/v1/namespaces", seconds=30.0, times=1)
    paused = workers()
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, STARTED)
    task = created["task"]["id"]
    await until(in_step(task, "create-namespace"))

    paused.send_signal(signal.SIGSTOP)
    other = workers()
    done = await until(lambda: ended(task))
    other.terminate()
    other.wait(10)
    before = await written(sandbox)
    paused.send_signal(signal.SIGCONT)

    async def has_noticed() -> bool:
        said = (tmp_path / "worker-0.log").read_text()
        return "the lease was lost" in said or "the task was stopped" in said

    await until(has_noticed)
    paused.terminate()
    paused.wait(10)

    assert done.state == "DONE"
    assert await written(sandbox) == before
    await whole(task)
