"""Carries out one task that a worker holds: its jobs beside each other, its steps in order, from where it stood."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from tortoise.timezone import now
from tortoise.transactions import in_transaction

from jobs.failures import explain, silent
from jobs.kinds import Ending, Job, Kind, Step
from jobs.steps import Run, for_undoing, still_held
from kube.errors import CircuitOpen, KubeError, Unreachable
from live.process import current
from models import Task
from models.event import append
from models.keyring import KeyringError
from models.lease import Lease, LeaseLost
from models.postgres import AWAY
from rules.enums import StepState, TaskState
from settings import settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

_UNDO_SHARE = 0.9
"""What of the time that is left to a task its undoing may take: the rest is for saying so."""


class BackedOff(Exception):  # noqa: N818 - it is what the task does
    """The task's cluster does not answer: the task gives its place back, and may be tried after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it is tried again in {seconds:.1f} s")
        self.seconds = seconds


class _StepEnded(Exception):  # noqa: N818 - it is an outcome
    """A step has failed, and all of it is written down."""


class Graph:
    """One run of one task, from where it stood to its end."""

    def __init__(self, task: Task, kind: Kind, lease: Lease) -> None:
        self.task = task
        self.kind = kind
        self.lease = lease
        self.warnings: list[str] = list(task.warnings)
        self._steps: dict[tuple[str, str], dict[str, Any]] = {}
        self._failed: dict[str, Any] | None = (task.failing or {}).get("failure")
        self._silent = task.state == TaskState.BACKED_OFF
        self._memory: dict[str, Any] = {}

    async def run(self) -> Ending:
        """How it ended. Raises CancelledError when it is cancelled from outside; BackedOff when its cluster is silent;
        LeaseLost, and what `AWAY` names, when it can be neither carried on nor ended now."""
        await self._read()
        if self._silent and self.task.cluster_id is not None and self.task.deadline_at > now():
            await self._knock(self.task.cluster_id)
        done = {job.name: asyncio.Event() for job in self.kind.jobs}
        try:
            async with asyncio.TaskGroup() as group:
                for job in self.kind.jobs:
                    group.create_task(self._job(job, done))
        except BaseExceptionGroup as several:
            return self._ending(several)
        state = TaskState.DONE_WITH_WARNINGS if self.warnings else TaskState.DONE
        return Ending(state, warnings=tuple(self.warnings))

    def _ending(self, several: BaseExceptionGroup[BaseException]) -> Ending:
        for reasons_to_set_it_down in (LeaseLost, AWAY, BackedOff):
            found = several.subgroup(reasons_to_set_it_down)
            if found is not None:
                raise _first(found)
        if self._failed is None and isinstance(_first(several), TimeoutError):
            return Ending(TaskState.TIMED_OUT, self._late())
        late = self._failed is not None and self._failed["code"] == "DEADLINE_EXCEEDED"
        return Ending(TaskState.TIMED_OUT if late else TaskState.FAILED, self._failed)

    async def _knock(self, cluster_id: str) -> None:
        """Asks the silent cluster whether it is back, before anything is told to those who follow the task.

        Raises: BackedOff when it is not.
        """
        try:
            await (await current().clusters.of(cluster_id)).verify()
        except Unreachable as silence:
            raise BackedOff(silence.wait if isinstance(silence, CircuitOpen) else settings().breaker_first) from silence
        except (KubeError, KeyringError) as problem:
            log.info("the cluster is back, and the step will find out how", problem=str(problem))
        self._silent = False
        await self._state(TaskState.IN_PROGRESS)

    async def _job(self, job: Job, done: dict[str, asyncio.Event]) -> None:
        for name in job.after:
            await done[name].wait()
        steps = [(step, self._steps[job.name, step.name]) for step in job.steps]
        waiting = [pair for pair in steps if pair[1]["state"] not in (StepState.DONE, StepState.SKIPPED)]
        if waiting:
            seconds = await self._begin(job)
            async with asyncio.timeout(seconds):
                for step, row in waiting:
                    await self._step(job, step, row)
            await self._mark_job(job, StepState.DONE)
        done[job.name].set()

    async def _step(self, job: Job, step: Step, row: dict[str, Any]) -> None:
        run = Run(self.task, self.lease, job.name, row["id"], step.title, self.warnings, self._memory)
        await self._mark(run, row, StepState.IN_PROGRESS)
        if step.undo is None or self.task.failing is None:
            try:
                async with asyncio.timeout(None if step.undo is None else await _to_try(run)):
                    await self._patiently(run, step.run)
                return await self._mark(run, row, StepState.DONE)
            except (asyncio.CancelledError, LeaseLost, BackedOff, *AWAY):
                raise
            except Exception as problem:
                self._failed = explain(problem, self.task.id, step.title)
            await run.log(self._failed["summary"], *self._failed["evidence"], level="ERROR")
        if step.undo is not None:
            await self._undo(run, step.undo)
        await self._mark(run, row, StepState.FAILED)
        raise _StepEnded

    async def _undo(self, run: Run, undo: Callable[[Run], Awaitable[list[str]]]) -> None:
        """Keeps why the step failed first: a worker that takes over goes on here, and no later trouble replaces it."""
        if self.task.failing is None:
            await run.note(failure=self._failed)
        assert self.task.failing is not None
        self._failed = self.task.failing["failure"]
        try:
            async with asyncio.timeout(_UNDO_SHARE * await run.time_left()):
                went_back = await self._patiently(run, undo)
        except (asyncio.CancelledError, LeaseLost, BackedOff, *AWAY):
            raise
        except Exception as problem:
            again = explain(problem, self.task.id, run.title)
            await run.log(f"What ran before could not be put back: {again['summary']}", level="ERROR")
        else:
            self._failed = {**self._failed, "wentBack": went_back}

    async def _patiently(self, run: Run, work: Callable[[Run], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + settings().patience
        delay = 0.25
        while True:
            try:
                return await work(run)
            except CircuitOpen as silence:
                self._silent = True
                await run.log(str(silence), level="WARNING")
                await run.say(f"waiting for the cluster, which has not answered since {silence.since:%H:%M:%S} UTC")
                await self._state(TaskState.BACKED_OFF)
                raise BackedOff(silence.wait) from silence
            except KubeError as problem:
                if not problem.retryable or loop.time() + delay > give_up:
                    raise
                await run.log(f"{problem} Trying again in {delay:g} s.", level="WARNING")
                await self._state(TaskState.BACKED_OFF)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 15.0)
                await self._state(TaskState.IN_PROGRESS)

    async def _read(self) -> None:
        async with in_transaction() as connection:
            await still_held(connection, self.task.id, self.lease)
            rows = await connection.execute_query_dict(
                "SELECT s.id, s.name, s.state, j.name AS job FROM step s JOIN job j ON j.id = s.job_id "
                "WHERE s.task_id = $1",
                [self.task.id],
            )
        self._steps = {(row["job"], row["name"]): row for row in rows}

    async def _begin(self, job: Job) -> float:
        """Starts or continues a job; returns the seconds that are left to it."""
        async with in_transaction() as connection:
            await still_held(connection, self.task.id, self.lease)
            limit = job.deadline(settings())
            rows = await connection.execute_query_dict(
                "WITH j AS (SELECT id, state FROM job WHERE task_id = $1 AND name = $2), "
                "u AS (UPDATE job SET state = 'IN_PROGRESS' FROM j WHERE job.id = j.id) "
                "UPDATE task SET deadline_at = CASE WHEN j.state = 'PENDING' "
                "THEN now() + $3 * interval '1 second' ELSE deadline_at END "
                "FROM j WHERE task.id = $1 RETURNING extract(epoch FROM deadline_at - now())::float8 AS left",
                [self.task.id, job.name, limit],
            )
        return float(rows[0]["left"])

    async def _mark_job(self, job: Job, state: StepState) -> None:
        async with in_transaction() as connection:
            await still_held(connection, self.task.id, self.lease)
            await connection.execute_query(
                "UPDATE job SET state = $3 WHERE task_id = $1 AND name = $2", [self.task.id, job.name, state]
            )

    async def _mark(self, run: Run, row: dict[str, Any], state: StepState) -> None:
        row["state"] = state
        ended = sum(other["state"] in (StepState.DONE, StepState.SKIPPED) for other in self._steps.values())
        progress = 100 * ended // max(1, len(self._steps))
        async with in_transaction() as connection:
            view = {**run.view(state), "message": "", "progress": progress}
            await run.event(connection, "STEP", view)
            await connection.execute_query(
                "UPDATE step SET state = $2, started_at = COALESCE(started_at, now()), "
                "ended_at = CASE WHEN $2 = 'IN_PROGRESS' THEN NULL ELSE now() END WHERE id = $1",
                [run.step_id, state],
            )
            await connection.execute_query("UPDATE task SET progress = $2 WHERE id = $1", [self.task.id, progress])

    async def _state(self, state: TaskState) -> None:
        async with in_transaction() as connection:
            await append(
                connection, self.task.id, self.task.organization_id, "TASK", {"state": state}, lease=self.lease.token
            )
            await connection.execute_query(
                "UPDATE task SET state = $2 WHERE id = $1 AND cancel_requested_at IS NULL", [self.task.id, state]
            )

    def _late(self) -> dict[str, Any]:
        """Why it did not end before its deadline."""
        if self._silent:
            return silent(self.task.cluster_id or "", self._where())
        return explain(TimeoutError(), self.task.id, self._where())

    def _where(self) -> str:
        for (_, name), row in self._steps.items():
            if row["state"] == StepState.IN_PROGRESS:
                return next(step.title for job in self.kind.jobs for step in job.steps if step.name == name)
        return ""


def _first(several: BaseException) -> BaseException:
    """The first error of a group of groups."""
    return _first(several.exceptions[0]) if isinstance(several, BaseExceptionGroup) else several


async def _to_try(run: Run) -> float:
    """The seconds that a step which can be undone may take.

    It gives up by itself, with its evidence, when it leaves `for_undoing`; half of that is for finding the evidence.
    """
    left = await run.time_left()
    return left - for_undoing(left) / 2
