"""Events: what viewers may follow, numbered without a hole per subject."""

from collections.abc import Mapping
from typing import Any

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient

from models.lease import LeaseLost

CHANNEL = "berth_event"
"""The PostgreSQL channel that is notified with the subject's id, in the transaction that appends."""

_SUBJECTS = {"org": "organization", "cls": "cluster", "app": "app", "ins": "instance", "tsk": "task"}
_APPEND = (
    'WITH n AS (UPDATE "{table}" SET seq = seq + 1 WHERE id = $1{fence} RETURNING seq), '
    "e AS (INSERT INTO event (subject, number, organization_id, kind, data, actor_id) "
    "SELECT $1, seq, $2, $3, $4::jsonb, $5 FROM n RETURNING number) "
    "SELECT number, pg_notify('{channel}', $1) FROM e"
)


async def append(
    connection: BaseDBAsyncClient,
    subject: str,
    organization_id: str,
    kind: str,
    data: Mapping[str, Any],
    *,
    actor_id: str | None = None,
    lease: str | None = None,
) -> int:
    """Appends an event in the running transaction and wakes its readers when that commits.

    The subject's row is locked by counting up its `seq`; take locks in the order organization, cluster, app,
    instance, task.
    lease: for a task's subject, the lease token that must still hold. Returns the event's number.
    Raises: LeaseLost.
    """
    table = _SUBJECTS[subject[:3]]
    query = _APPEND.format(table=table, channel=CHANNEL, fence="" if lease is None else " AND lease_token = $6")
    values = [subject, organization_id, kind, orjson.dumps(data).decode(), actor_id]
    rows = await connection.execute_query_dict(query, values if lease is None else [*values, lease])
    if not rows:
        raise LeaseLost(f"{subject} is another worker's")
    return int(rows[0]["number"])
