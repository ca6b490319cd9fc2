"""The one door: every mutation goes through `change`, for lock, rule, access, version, idempotency, event and task."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.timezone import now
from tortoise.transactions import in_transaction

from jobs.bell import Bell
from jobs.kinds import Kind
from jobs.moves import tell
from models import App, Cluster, Instance, Organization, Task
from models.event import append
from models.ids import new_id
from rules.enums import InstanceState, OnConflict, Scope, TaskState
from rules.refusals import Refused, not_found
from rules.states import Operation, check
from rules.viewer import Viewer

Ids = dict[str, str | None]
"""What a mutation leads to: ids of rows by name, from which its payload is built, also when it is replayed."""

_ACTIVE = "SELECT id, kind FROM task WHERE instance_id = $1 AND ended_at IS NULL ORDER BY ordinal"


@dataclass(slots=True)
class Done:
    """What came of a change. `secrets` are shown once, and are not there when the answer is a replay."""

    ids: Ids
    replayed: bool = False
    secrets: dict[str, str] = field(default_factory=dict)


class Door:
    """What the work of one mutation may use: rows locked and judged, events and tasks, in one transaction."""

    def __init__(self, viewer: Viewer, connection: BaseDBAsyncClient) -> None:
        self.viewer = viewer
        self.connection = connection
        self.started: list[tuple[str, int]] = []
        self.canceled: list[str] = []
        self.secrets: dict[str, str] = {}
        self.repeats: str | None = None

    async def organization(
        self, organization_id: str, needs: Scope, path: str = "input.organizationId"
    ) -> Organization:
        """The organization, locked. Raises: Refused NOT_FOUND, FORBIDDEN."""
        found = (
            await Organization.select_for_update(no_key=True).using_db(self.connection).get_or_none(id=organization_id)
        )
        if found is None:
            raise not_found(path)
        self._need(needs, path, found.id)
        return found

    async def app(self, app_id: str, needs: Scope, expected: int | None = None, path: str = "input.id") -> App:
        """The app, locked. Raises: Refused NOT_FOUND, FORBIDDEN, VERSION_CONFLICT."""
        rows = App.select_for_update(no_key=True).using_db(self.connection)
        found = await rows.get_or_none(id=app_id, deleted_at=None)
        if found is None:
            raise not_found(path)
        self._need(needs, path, found.organization_id, found.id)
        same_version(found.version, expected)
        return found

    async def instance(
        self, instance_id: str, operation: Operation, needs: Scope, expected: int | None = None, path: str = "input.id"
    ) -> Instance:
        """The instance, locked, judged by the table of states. Raises: Refused, also OPERATION_BLOCKED."""
        rows = Instance.select_for_update(no_key=True).using_db(self.connection)
        found = await rows.get_or_none(id=instance_id, deleted_at=None)
        if found is None:
            raise not_found(path)
        self._need(needs, path, found.organization_id, found.app_id, found.id)
        same_version(found.version, expected)
        waiting = await self.active(found.id)
        check(operation, InstanceState(found.state), waiting[0]["id"] if waiting else None)
        return found

    def _need(self, needs: Scope, path: str, *owners: str) -> None:
        try:
            self.viewer.need(needs, *owners)
        except Refused as refused:
            refused.path = refused.path or path
            raise

    async def active(self, instance_id: str) -> list[dict[str, Any]]:
        """The instance's tasks that have not ended, oldest first: id and kind."""
        return await self.connection.execute_query_dict(_ACTIVE, [instance_id])

    async def make_way(self, instance: Instance, on_conflict: OnConflict) -> None:
        """Lets a new task in beside those that are active: behind them, instead of them, or not at all."""
        waiting = await self.active(instance.id)
        if waiting and on_conflict is OnConflict.REJECT:
            raise Refused(
                "OPERATION_BLOCKED",
                "Another task of this instance has not ended.",
                "Wait until it has ended, or send onConflict: QUEUE or SUPERSEDE.",
                retryable=True,
                task_id=waiting[0]["id"],
                details={"operation": Operation.DEPLOY, "state": instance.state},
            )
        if on_conflict is OnConflict.SUPERSEDE:
            for task in waiting:
                await self.cancel(task["id"])

    async def cancel(self, task_id: str) -> None:
        """Asks for a task's end; its worker, or the next one, carries it out. Asking again changes nothing."""
        asked = await self.connection.execute_query_dict(
            "UPDATE task SET state = 'CANCELING', cancel_requested_at = now(), run_after = now() "
            "WHERE id = $1 AND ended_at IS NULL AND cancel_requested_at IS NULL RETURNING organization_id, attempt",
            [task_id],
        )
        for row in asked:
            data = {"state": TaskState.CANCELING}
            await append(self.connection, task_id, row["organization_id"], "TASK", data, actor_id=self.viewer.user_id)
            self.canceled.append(task_id)
            self.started.append((task_id, row["attempt"]))

    async def start(
        self,
        kind: Kind,
        *,
        organization_id: str,
        app_id: str | None = None,
        instance: Instance | None = None,
        cluster_id: str | None = None,
        input: Mapping[str, Any] | None = None,
    ) -> Task:
        """Makes a task with its jobs and steps, and has it rung for after the commit."""
        waiting = await self.active(instance.id) if instance else []
        state = TaskState.PENDING if waiting else TaskState.QUEUED
        task = await Task.create(
            using_db=self.connection,
            organization_id=organization_id,
            app_id=app_id or (instance.app_id if instance else None),
            instance_id=instance.id if instance else None,
            cluster_id=cluster_id or (instance.cluster_id if instance else None),
            kind=kind.name,
            title=kind.title,
            state=state,
            input=dict(input or {}),
            author_id=self.viewer.user_id,
            repeats_task_id=self.repeats,
            deadline_at=now() + timedelta(days=1),
        )
        await _plan(self.connection, task, kind)
        data = {"state": state, "title": kind.title}
        await append(self.connection, task.id, organization_id, "TASK", data, actor_id=self.viewer.user_id)
        if instance is not None:
            await self.tell(instance, "TASK", {"taskId": task.id, "kind": kind.name, "state": state})
        self.started.append((task.id, 0))
        return task

    async def tell(self, instance: Instance, kind: str, data: dict[str, Any]) -> str:
        """Appends an event to the instance's stream; returns the cursor to follow after."""
        return str(await tell(self.connection, instance, kind, data, self.viewer.user_id))

    async def tell_of(self, cluster: Cluster, kind: str, data: dict[str, Any]) -> str:
        """Appends an event to a locked cluster's stream; returns the cursor to follow after."""
        actor = self.viewer.user_id
        return str(await append(self.connection, cluster.id, cluster.organization_id, kind, data, actor_id=actor))

    async def audit(self, organization_id: str, kind: str, data: dict[str, Any]) -> str:
        """Appends an event to the organization's stream, for changes that belong to no instance; returns its cursor."""
        actor = self.viewer.user_id
        return str(await append(self.connection, organization_id, organization_id, kind, data, actor_id=actor))


async def _plan(connection: BaseDBAsyncClient, task: Task, kind: Kind) -> None:
    jobs = [(new_id("job"), number, job) for number, job in enumerate(kind.jobs)]
    await connection.execute_many(
        "INSERT INTO job (id, task_id, position, name, title, after) VALUES ($1, $2, $3, $4, $5, $6)",
        [[job_id, task.id, number, job.name, job.title, list(job.after)] for job_id, number, job in jobs],
    )
    await connection.execute_many(
        "INSERT INTO step (id, task_id, job_id, position, name, title) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            [new_id("stp"), task.id, job_id, number, step.name, step.title]
            for job_id, _, job in jobs
            for number, step in enumerate(job.steps)
        ],
    )


def same_version(current: int, expected: int | None) -> None:
    """Raises: Refused VERSION_CONFLICT when the caller knows another version than the row has."""
    if expected is not None and expected != current:
        raise Refused(
            "VERSION_CONFLICT",
            f"It has version {current} by now, not {expected}.",
            "Read it again and decide anew.",
            "input.expectedVersion",
            details={"current": current},
        )


async def change(
    viewer: Viewer,
    operation: str,
    request: Mapping[str, Any],
    key: str | None,
    work: Callable[[Door], Awaitable[Ids]],
    bell: Bell,
) -> Done:
    """Does a mutation's work in one transaction, once per idempotency key, and rings for its tasks after the commit.

    operation: the mutation's name. request: its input, as plain data; the same key with another input is refused.
    work: locks, judges, writes, and returns the ids. Raises: Refused, and then nothing was written.
    """
    digest = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    async with in_transaction() as connection:
        if key is not None:
            known = await _known(connection, viewer, operation, key, digest)
            if known is not None:
                return Done(known, replayed=True)
        door = Door(viewer, connection)
        ids = await work(door)
        if key is not None:
            await connection.execute_query_dict(
                "INSERT INTO idempotency_key (user_id, operation, key, input_hash, result) "
                "VALUES ($1, $2, $3, $4, $5::jsonb) RETURNING key",
                [viewer.user_id, operation, key, digest, orjson.dumps(ids).decode()],
            )
        if door.canceled:
            for task_id in door.canceled:
                await connection.execute_query_dict("SELECT pg_notify('berth_cancel', $1)", [task_id])
    if door.started:
        await bell.ring(door.started)
    return Done(ids, secrets=door.secrets)


async def _known(connection: BaseDBAsyncClient, viewer: Viewer, operation: str, key: str, digest: str) -> Ids | None:
    if not 1 <= len(key) <= 255:
        raise Refused(
            "INVALID_INPUT",
            f"The idempotency key has {len(key)} characters; it can have 1 to 255.",
            "Send a random text such as a UUID.",
            "input.idempotencyKey",
        )
    await connection.execute_query_dict(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [f"{viewer.user_id} {operation} {key}"]
    )
    rows = await connection.execute_query_dict(
        "SELECT input_hash, result::text AS result FROM idempotency_key "
        "WHERE user_id = $1 AND operation = $2 AND key = $3 AND created_at > now() - interval '24 hours'",
        [viewer.user_id, operation, key],
    )
    if not rows:
        await connection.execute_query_dict(
            "DELETE FROM idempotency_key WHERE user_id = $1 AND operation = $2 AND key = $3 RETURNING key",
            [viewer.user_id, operation, key],
        )
        return None
    if rows[0]["input_hash"] != digest:
        raise Refused(
            "IDEMPOTENCY_MISMATCH",
            "This idempotency key was used with another input.",
            "Use a new key for a new request.",
            "input.idempotencyKey",
        )
    ids: Ids = orjson.loads(rows[0]["result"])
    return ids
