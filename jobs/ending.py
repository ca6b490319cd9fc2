"""How a task ends: its rows, what that means for its instance, and its one last event, in one transaction."""

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.timezone import now
from tortoise.transactions import in_transaction

from jobs.kinds import Ending, Kind
from jobs.moves import lock, tell
from jobs.steps import still_held
from models import Task
from models.event import append
from models.lease import Lease
from rules.enums import StepState, TaskState

_REST = {
    TaskState.FAILED: StepState.FAILED,
    TaskState.TIMED_OUT: StepState.FAILED,
    TaskState.CANCELED: StepState.CANCELED,
}
_END = """
UPDATE task SET state = $3, ended_at = now(), lease_token = NULL, lease_until = NULL, failure = $4::jsonb,
    warnings = $5::jsonb, progress = CASE WHEN $6 THEN 100 ELSE progress END
WHERE id = $1 AND lease_token = $2 RETURNING id
"""


async def end(task: Task, kind: Kind, lease: Lease, ending: Ending) -> None:
    """Raises: LeaseLost, and then nothing was written."""
    async with in_transaction() as connection:
        instance = await lock(connection, task.instance_id) if task.instance_id else None
        await still_held(connection, task.id, lease)
        await kind.settle(connection, task, instance, ending)
        await _close(connection, task, _REST.get(ending.state, StepState.DONE))
        warnings = list(ending.warnings)
        data = {"state": ending.state, "failure": ending.failure, "warnings": warnings, "endedAt": now().isoformat()}
        await append(connection, task.id, task.organization_id, "END", data, lease=lease.token)
        failure = orjson.dumps(ending.failure).decode() if ending.failure else None
        values = [task.id, lease.token, ending.state, failure, orjson.dumps(warnings).decode(), ending.well]
        await connection.execute_query_dict(_END, values)
        if instance is not None:
            await tell(connection, instance, "TASK", {"taskId": task.id, "kind": task.kind, "state": ending.state})


async def _close(connection: BaseDBAsyncClient, task: Task, state: StepState) -> None:
    for table, times in (("step", ", ended_at = now()"), ("job", "")):
        await connection.execute_query(
            f"UPDATE {table} SET state = $2{times} WHERE task_id = $1 AND state = 'IN_PROGRESS'", [task.id, state]
        )
        await connection.execute_query(
            f"UPDATE {table} SET state = 'SKIPPED' WHERE task_id = $1 AND state = 'PENDING'", [task.id]
        )


async def ready_after(task: Task) -> list[str]:
    """The task of the same instance that may run now that this one has ended."""
    if task.instance_id is None:
        return []
    rows = await get_connection("default").execute_query_dict(
        "SELECT id FROM task WHERE instance_id = $1 AND ended_at IS NULL ORDER BY ordinal LIMIT 1", [task.instance_id]
    )
    return [row["id"] for row in rows]
