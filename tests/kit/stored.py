"""All that is stored, to see that a refusal changed nothing."""

from typing import Any

from tortoise.connection import get_connection

from simulator import Simulator


async def everything_stored(simulator: Simulator | None = None) -> list[Any]:
    """Every row of every table, and, of a simulated cluster, the version of its store."""
    connection = get_connection("default")
    tables = await connection.execute_query_dict(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    rows = [
        await connection.execute_query_dict(f'SELECT t::text AS row FROM "{one["name"]}" t ORDER BY 1')
        for one in tables
    ]
    return [rows, simulator.store.version if simulator else None]
