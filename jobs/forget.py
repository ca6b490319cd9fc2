"""Forgets what is kept for a time only: events after some days, idempotency keys after one."""

from tortoise.connection import get_connection

from settings import settings

_BATCH = 5_000
_EVENTS = (
    "DELETE FROM event WHERE ctid = ANY(ARRAY(SELECT ctid FROM event "
    "WHERE at < now() - $1 * interval '1 day' LIMIT $2)) RETURNING 1"
)
_KEYS = (
    "DELETE FROM idempotency_key WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_key "
    "WHERE created_at < now() - $1 * interval '1 day' LIMIT $2)) RETURNING 1"
)


async def forget() -> int:
    """Deletes what is too old, in batches that hold no lock for long; returns how many rows."""
    deleted = 0
    for statement, days in ((_EVENTS, settings().event_days), (_KEYS, 1)):
        while True:
            rows = await get_connection("default").execute_query_dict(statement, [days, _BATCH])
            deleted += len(rows)
            if len(rows) < _BATCH:
                break
    return deleted
