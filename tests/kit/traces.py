"""What a change left in the database, so that a test can say that a refusal left nothing."""

from typing import Any

import orjson
from tortoise.connection import get_connection

_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"


async def everything() -> dict[str, list[Any]]:
    """Every row of every table, by table: equal before and after when nothing happened."""
    connection = get_connection("default")
    tables = [row["relname"] for row in await connection.execute_query_dict(_TABLES)]
    found = {}
    for table in tables:
        rows = await connection.execute_query_dict(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t ORDER BY 1')
        found[table] = [row["row"] for row in rows]
    return found


async def events(subject: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a subject in their order: kind and data."""
    rows = await get_connection("default").execute_query_dict(
        "SELECT kind, data FROM event WHERE subject = $1 ORDER BY number", [subject]
    )
    return [(row["kind"], orjson.loads(row["data"])) for row in rows]
