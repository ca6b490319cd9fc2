"""Leases: one worker at a time, take-over where it stood, and nothing written by one that lost its lease."""

import asyncio
from typing import Any

import asyncpg
import pytest
from tortoise.connection import get_connection

from jobs import bell
from jobs.kinds import Job, Kind, Step
from jobs.runner import Runner
from jobs.start import Door, Ids, change
from jobs.steps import Run, StepFailed
from kube.errors import Unreachable
from models import Instance, Task
from models.lease import Lease, LeaseLost
from settings import Settings
from tests.kit import makers
from tests.kit.sandbox import Sandbox, drain


async def settle(*_: Any) -> None:
    """These tasks mean nothing to their instance."""


class Halting:
    """A kind of task with two steps, the second of which waits until it is let go."""

    def __init__(self, deadline: float = 60.0) -> None:
        self.ran: list[str] = []
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.problem: Exception | None = None
        steps = (Step("first", "First", self.first), Step("second", "Second", self.second))
        self.kind = Kind("HALT", "Halt", (Job("only", "Only", steps, lambda _: deadline),), settle)

    async def first(self, run: Run) -> None:
        self.ran.append("first")
        await run.log("a line")

    async def second(self, run: Run) -> None:
        self.ran.append("second")
        self.reached.set()
        await self.go_on.wait()
        if self.problem is not None:
            problem, self.problem = self.problem, None
            raise problem
        await run.say("went on")

    async def start(self, sandbox: Sandbox) -> str:
        """Starts a task of this kind; its id."""
        instance = await Instance.first() or await makers.instance(sandbox.world)

        async def work(door: Door) -> Ids:
            task = await door.start(self.kind, organization_id=instance.organization_id, instance=instance)
            return {"task": task.id}

        done = await change(sandbox.world.owner, "halt", {}, None, work, bell.current())
        return str(done.ids["task"])

    def runner(self) -> Runner:
        """A worker that knows only this kind."""
        return Runner({"HALT": self.kind})


async def expire(task: str) -> None:
    """Lets the lease run out long ago, as when its worker had died."""
    await get_connection("default").execute_query(
        "UPDATE task SET lease_until = now() - interval '1 hour' WHERE id = $1", [task]
    )


async def numbers_and_kinds(task: str) -> list[tuple[int, str]]:
    rows = await get_connection("default").execute_query_dict(
        "SELECT number, kind FROM event WHERE subject = $1 ORDER BY number", [task]
    )
    return [(row["number"], row["kind"]) for row in rows]


async def test_a_task_is_taken_over_at_the_step_where_it_stood(sandbox: Sandbox) -> None:
    halting = Halting()
    dead, alive = halting.runner(), halting.runner()
    task = await halting.start(sandbox)
    assert await dead.take(task)
    await halting.reached.wait()
    assert not await alive.take(task)

    await expire(task)
    assert await alive.sweep() == 1
    halting.go_on.set()
    await alive.idle()
    await dead.idle()

    row = await Task.get(id=task)
    assert (row.state, row.attempt, row.lease_token) == ("DONE", 2, None)
    assert halting.ran == ["first", "second", "second"]
    told = await numbers_and_kinds(task)
    assert [number for number, _ in told] == list(range(1, len(told) + 1))
    assert [kind for _, kind in told].count("END") == 1


async def test_a_worker_whose_lease_was_taken_writes_nothing_more(sandbox: Sandbox) -> None:
    halting = Halting()
    paused, alive = halting.runner(), halting.runner()
    task = await halting.start(sandbox)
    await paused.take(task)
    await halting.reached.wait()
    await expire(task)
    await alive.take(task)
    before = await numbers_and_kinds(task)

    await paused.renew()
    await paused.idle()

    assert paused.running == []
    assert [kind for _, kind in (await numbers_and_kinds(task))[len(before) :]] in ([], ["STEP"])
    await alive.close()
    assert (await Task.get(id=task)).state == "IN_PROGRESS"


async def test_a_worker_that_ends_gives_its_tasks_away_at_once(sandbox: Sandbox) -> None:
    halting = Halting()
    leaving, next_one = halting.runner(), halting.runner()
    task = await halting.start(sandbox)
    await leaving.take(task)
    await halting.reached.wait()

    await leaving.close()

    assert (await Task.get(id=task)).lease_token is None
    halting.go_on.set()
    assert await next_one.sweep() == 1
    await next_one.idle()
    assert (await Task.get(id=task)).state == "DONE"


async def test_a_running_task_is_cancelled_where_it_stands(sandbox: Sandbox) -> None:
    halting = Halting()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await halting.reached.wait()
    await sandbox.api.change("cancelTask", {"id": task}, "problems { code }")

    await runner.renew()
    await runner.idle()

    row = await Task.get(id=task)
    assert (row.state, row.failure["code"]) == ("CANCELED", "CANCELED")
    steps = await get_connection("default").execute_query_dict(
        "SELECT state FROM step WHERE task_id = $1 ORDER BY position", [task]
    )
    assert [step["state"] for step in steps] == ["DONE", "CANCELED"]


async def test_a_listening_worker_hears_of_a_cancellation_at_once(sandbox: Sandbox, opened_database: str) -> None:
    halting = Halting()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.open(opened_database)
    await runner.take(task)
    await halting.reached.wait()
    await sandbox.api.change("cancelTask", {"id": task}, "problems { code }")
    async with asyncio.timeout(5):
        await runner.idle()
    await runner.close()
    assert (await Task.get(id=task)).state == "CANCELED"


async def test_a_step_that_takes_too_long_times_out(sandbox: Sandbox) -> None:
    halting = Halting(deadline=0.3)
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await runner.idle()
    row = await Task.get(id=task)
    assert (row.state, row.failure["code"], row.failure["step"]) == ("TIMED_OUT", "DEADLINE_EXCEEDED", "Second")


async def test_a_cluster_that_is_away_for_a_moment_only_delays(sandbox: Sandbox) -> None:
    halting = Halting()
    halting.problem = Unreachable("The cluster does not answer.")
    halting.go_on.set()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await runner.idle()
    assert (await Task.get(id=task)).state == "DONE"
    assert halting.ran == ["first", "second", "second"]
    states = await get_connection("default").execute_query_dict(
        "SELECT data->>'state' AS state FROM event WHERE subject = $1 AND kind = 'TASK' ORDER BY number", [task]
    )
    assert [row["state"] for row in states] == ["QUEUED", "BACKED_OFF", "IN_PROGRESS"]


@pytest.mark.parametrize(
    "problem",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        FileNotFoundError("the server's socket"),
    ],
    ids=lambda problem: type(problem).__name__,
)
async def test_a_database_that_goes_away_in_the_middle_only_delays(sandbox: Sandbox, problem: Exception) -> None:
    halting = Halting()
    halting.problem = problem
    halting.go_on.set()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await runner.idle()
    row = await Task.get(id=task)
    assert (row.state, row.failure, row.lease_token) == ("IN_PROGRESS", None, None)

    assert await runner.sweep() == 1
    await runner.idle()

    assert (await Task.get(id=task)).state == "DONE"
    assert halting.ran == ["first", "second", "second"]


async def test_a_worker_whose_connections_all_end_goes_on(sandbox: Sandbox) -> None:
    halting = Halting()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await halting.reached.wait()
    await get_connection("default").execute_query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    halting.go_on.set()
    await drain(runner)
    assert (await Task.get(id=task)).state == "DONE"


@pytest.mark.parametrize(
    ("problem", "code"),
    [(StepFailed("MANIFEST_INVALID", "It is wrong."), "MANIFEST_INVALID"), (ValueError("a bug"), "INTERNAL")],
)
async def test_a_step_that_fails_ends_the_task_with_a_cause(sandbox: Sandbox, problem: Exception, code: str) -> None:
    halting = Halting()
    halting.problem = problem
    halting.go_on.set()
    runner = halting.runner()
    task = await halting.start(sandbox)
    await runner.take(task)
    await runner.idle()
    row = await Task.get(id=task)
    assert (row.state, row.failure["code"], row.failure["step"]) == ("FAILED", code, "Second")
    assert "a bug" not in row.failure["summary"]


async def test_a_full_worker_takes_nothing_more(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.runner.settings", lambda: Settings(worker_tasks=1))
    halting = Halting()
    runner = halting.runner()
    first = await halting.start(sandbox)
    await runner.take(first)
    other = Halting()
    second = await other.start(sandbox)
    assert not await runner.take(second)
    assert await runner.sweep() == 0
    await runner.close()


async def test_a_write_to_a_cluster_needs_more_than_its_time_limit_left_on_the_lease(sandbox: Sandbox) -> None:
    lease = Lease("token", until=0.0)
    with pytest.raises(LeaseLost):
        lease.guard(5.0)
    row = await Task.create(
        organization_id=sandbox.world.organization.id,
        cluster_id=sandbox.world.cluster.id,
        kind="HALT",
        title="Halt",
        state="QUEUED",
        deadline_at="2030-01-01T00:00:00Z",
    )
    cluster = await Run(row, lease, "only", "stp", "First").cluster()
    written = sandbox.simulator.store.version
    with pytest.raises(LeaseLost):
        await cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "never"}})
    assert sandbox.simulator.store.version == written
