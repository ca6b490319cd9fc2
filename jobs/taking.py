"""The statements by which workers take tasks, hold them and set them down: leases by the database's clock.

None waits for a row that is locked: whoever holds it may be a process that is stuck or gone, and the other tasks must
not be kept waiting with that one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from tortoise.connection import get_connection

from models.lease import Lease
from settings import settings

_FREE = """ended_at IS NULL AND run_after <= now()
    AND (lease_token IS NULL OR lease_until + $1 * interval '1 second' < now())
    AND NOT EXISTS (SELECT FROM task AS earlier WHERE earlier.instance_id = task.instance_id
                    AND earlier.ended_at IS NULL AND earlier.ordinal < task.ordinal)
"""
_TAKE = f"""
UPDATE task SET lease_token = $3, lease_until = now() + $4 * interval '1 second', worker = $5, attempt = attempt + 1,
    started_at = COALESCE(started_at, now()),
    state = CASE WHEN cancel_requested_at IS NOT NULL THEN 'CANCELING'
                 WHEN state = 'BACKED_OFF' THEN state ELSE 'IN_PROGRESS' END
WHERE id = (SELECT id FROM task WHERE id = $2 AND {_FREE} AND (cluster_id IS NULL OR cluster_id <> ALL($6))
            FOR NO KEY UPDATE SKIP LOCKED)
RETURNING cluster_id
"""
_READY = f"""
SELECT id FROM (
    SELECT id, ordinal, cluster_id, row_number() OVER (PARTITION BY cluster_id ORDER BY ordinal) AS place
    FROM task WHERE {_FREE}) AS ready
WHERE cluster_id IS NULL OR place <= $3 - COALESCE(($4::jsonb ->> cluster_id)::integer, 0)
ORDER BY ordinal LIMIT $2
"""
_RENEW = """
WITH free AS MATERIALIZED (SELECT id FROM task WHERE lease_token = ANY($1) FOR NO KEY UPDATE SKIP LOCKED),
renewed AS (UPDATE task SET lease_until = now() + $2 * interval '1 second' FROM free WHERE task.id = free.id)
SELECT id, lease_token, cancel_requested_at IS NOT NULL AS canceled, id IN (SELECT id FROM free) AS renewed
FROM task WHERE lease_token = ANY($1)
"""
_TRIES = 4
_SOON = 0.02
"""Seconds after which a row that was locked is tried again."""
_SET_DOWN = """
UPDATE task SET lease_token = NULL, lease_until = NULL,
    run_after = CASE WHEN cancel_requested_at IS NULL THEN LEAST(now() + $2 * interval '1 second', deadline_at)
                     ELSE run_after END
WHERE lease_token = $1
"""


async def take(task_id: str, lease: Lease, worker: str, full: Sequence[str]) -> tuple[str | None] | None:
    """Takes a task under a lease if it may run now, and is not on one of the clusters that are full here.

    Returns the id of its cluster, which some have none of, in a tuple; None when it was not taken.
    """
    values = [settings().lease_margin, task_id, lease.token, settings().lease, worker, list(full)]
    rows = await _rows(_TAKE, values)
    return (rows[0]["cluster_id"],) if rows else None


async def ready(room: int, of_one_cluster: int, held: Mapping[str, int]) -> list[str]:
    """The ids of tasks that may run now, oldest first: at most so many, and with the held ones of one cluster."""
    values = [settings().lease_margin, room, of_one_cluster, orjson.dumps(dict(held)).decode()]
    return [row["id"] for row in await _rows(_READY, values)]


@dataclass(frozen=True, slots=True)
class Kept:
    """A lease that still holds. renewed: from now on; else its row was locked, and it runs out as it would have."""

    canceled: bool
    renewed: bool


async def renew(leases: Sequence[Lease]) -> dict[str, Kept]:
    """Renews leases, and waits for no row. Answers with those that still hold, by the ids of their tasks."""
    kept: dict[str, Kept] = {}
    left = [lease.token for lease in leases]
    for _ in range(_TRIES):
        rows = await _rows(_RENEW, [left, settings().lease])
        kept |= {row["id"]: Kept(row["canceled"], row["renewed"]) for row in rows}
        left = [row["lease_token"] for row in rows if not row["renewed"]]
        if not left:
            break
        await asyncio.sleep(_SOON)
    return kept


async def set_down(lease: Lease, seconds: float = 0.0) -> None:
    """Gives a lease back: another worker, or this one, may go on after so many seconds, at the deadline at the latest.

    A task that is to be cancelled is not kept waiting.
    """
    await get_connection("default").execute_query(_SET_DOWN, [lease.token, seconds])


async def _rows(statement: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    return await get_connection("default").execute_query_dict(statement, list(values))
