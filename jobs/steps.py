"""What a step may use while it runs: its lease, its words, its log lines, and writes that are fenced by the lease."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.timezone import now
from tortoise.transactions import in_transaction

from jobs.moves import lock
from kube.clients import Cluster as Client
from live.process import current
from models import Instance, Task
from models.event import append
from models.lease import Lease, LeaseLost
from rules.enums import StepState
from settings import settings

_LONGEST_LINE = 4_000
_UNDOING = 60.0


class StepFailed(Exception):  # noqa: N818 - it is an outcome
    """A step could not finish, for a cause a person can act on. service: the app service that it is about, if one."""

    def __init__(
        self,
        code: str,
        summary: str,
        *,
        cause: str = "",
        evidence: Sequence[str] = (),
        do: Sequence[str] = (),
        service: str = "",
    ) -> None:
        super().__init__(summary)
        self.code = code
        self.summary = summary
        self.cause = cause
        self.evidence = list(evidence)
        self.do = list(do)
        self.service = service


@dataclass(slots=True)
class Run:
    """One step at work. Everything it writes holds only while the lease does. Raises in all of it: LeaseLost.

    memory: what steps of this run of the task have worked out; a worker that takes over begins without it.
    """

    task: Task
    lease: Lease
    job: str
    step_id: str
    title: str
    warnings: list[str] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    _said: str = ""
    _lines: int = -1

    @property
    def instance_id(self) -> str:
        """The id of the task's instance; a bug when it has none."""
        assert self.task.instance_id is not None
        return self.task.instance_id

    async def instance(self) -> Instance:
        """The instance's row as it is now, unlocked."""
        return await Instance.get(id=self.instance_id)

    async def cluster(self) -> Client:
        """The instance's cluster, found to be the one that was registered, its writes guarded by the lease.

        Raises: KubeError, also ClusterChanged.
        """
        assert self.task.cluster_id is not None
        client = await current().clusters.of(self.task.cluster_id)
        await client.verify()
        return client.fenced(self.guard)

    async def guard(self) -> None:
        """To be asked before every write to Kubernetes."""
        self.lease.guard(settings().write_timeout)

    @asynccontextmanager
    async def fenced(self, *, with_instance: bool = False) -> AsyncIterator[tuple[BaseDBAsyncClient, Instance | None]]:
        """A transaction that commits only if the lease still holds; the instance is locked first when asked for."""
        async with in_transaction() as connection:
            instance = await lock(connection, self.instance_id) if with_instance else None
            yield connection, instance
            await still_held(connection, self.task.id, self.lease)

    async def say(self, message: str) -> None:
        """Shows how far the step is ("2 of 3 replicas ready"). Saying the same again writes nothing."""
        if message == self._said:
            return
        self._said = message
        async with in_transaction() as connection:
            await self.event(connection, "STEP", {**self.view(StepState.IN_PROGRESS), "message": message})
            await connection.execute_query("UPDATE step SET message = $2 WHERE id = $1", [self.step_id, message])

    async def time_left(self) -> float:
        """The seconds until the task's deadline; below 0 after it."""
        deadline = (await Task.get(id=self.task.id).only("id", "deadline_at")).deadline_at
        return float((deadline - now()).total_seconds())

    async def note(self, **more: Any) -> None:
        """Keeps what a worker that takes over must know of a failure whose step is being undone (`task.failing`)."""
        self.task.failing = {**(self.task.failing or {}), **more}
        async with self.fenced() as (connection, _):
            await Task.filter(id=self.task.id).using_db(connection).update(failing=self.task.failing)

    async def log(self, *messages: str, level: str = "INFO") -> None:
        """Appends lines to the step's log, each cut at 4,000 characters."""
        if not messages:
            return
        lines = [message[:_LONGEST_LINE].replace("\x00", "\ufffd") for message in messages]
        async with in_transaction() as connection:
            if self._lines < 0:
                counted = "SELECT COALESCE(max(number), 0) AS last FROM log_line WHERE step_id = $1"
                self._lines = int((await connection.execute_query_dict(counted, [self.step_id]))[0]["last"])
            first = self._lines + 1
            data = {"stepId": self.step_id, "first": first, "level": level, "lines": lines}
            await self.event(connection, "LOG", data)
            await connection.execute_many(
                "INSERT INTO log_line (step_id, number, level, message) VALUES ($1, $2, $3, $4)",
                [[self.step_id, number, level, line] for number, line in enumerate(lines, first)],
            )
            self._lines += len(lines)

    async def warn(self, message: str) -> None:
        """A line of level WARNING that also makes the task end DONE_WITH_WARNINGS; said once, whoever takes over."""
        if message in self.warnings:
            return
        self.warnings.append(message)
        await self.log(message, level="WARNING")
        async with self.fenced() as (connection, _):
            await connection.execute_query(
                "UPDATE task SET warnings = warnings || to_jsonb($2::text) WHERE id = $1", [self.task.id, message]
            )

    async def event(self, connection: BaseDBAsyncClient, kind: str, data: dict[str, Any]) -> None:
        """Appends to the task's stream, fenced."""
        await append(connection, self.task.id, self.task.organization_id, kind, data, lease=self.lease.token)

    def view(self, state: StepState) -> dict[str, Any]:
        """The step as events show it."""
        return {"stepId": self.step_id, "job": self.job, "title": self.title, "state": state}


async def still_held(connection: BaseDBAsyncClient, task_id: str, lease: Lease) -> None:
    """Locks the task's row and raises LeaseLost unless it is still ours."""
    held = await connection.execute_query_dict(
        "SELECT id FROM task WHERE id = $1 AND lease_token = $2 FOR UPDATE", [task_id, lease.token]
    )
    if not held:
        raise LeaseLost(f"{task_id} is another worker's")


def for_undoing(left: float) -> float:
    """The seconds, of those left to a task, that a step which can be undone leaves to that: a minute, or a quarter."""
    return max(0.0, min(_UNDOING, left / 4))
