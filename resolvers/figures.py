"""How the installation as a whole is, in numbers for monitoring; they name nothing that belongs to anybody."""

from dataclasses import dataclass

from tortoise.connection import get_connection

_TASKS = "SELECT state, count(*) AS number FROM task WHERE ended_at IS NULL GROUP BY state"
_INSTANCES = "SELECT state, count(*) AS number FROM instance WHERE deleted_at IS NULL GROUP BY state"
_CLUSTERS = "SELECT state, count(*) AS number FROM cluster WHERE removed_at IS NULL GROUP BY state"
_BREAKERS = "SELECT breaker AS state, count(*) AS number FROM cluster WHERE removed_at IS NULL GROUP BY breaker"
_ALONE = """
SELECT (SELECT count(*) FROM abandoned_namespace) AS abandoned,
    (SELECT count(DISTINCT worker) FROM task WHERE lease_until > now()) AS workers,
    (SELECT COALESCE(extract(epoch FROM now() - min(greatest(run_after, created_at))), 0)::float8 FROM task
     WHERE ended_at IS NULL AND lease_token IS NULL AND run_after <= now()
        AND NOT EXISTS (SELECT FROM task AS earlier WHERE earlier.instance_id = task.instance_id
                        AND earlier.ended_at IS NULL AND earlier.ordinal < task.ordinal)) AS waiting
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """tasks: that have not ended. instances, clusters, breakers of clusters: all there are, each by state. abandoned:
    namespaces.

    workers: that hold tasks now. waiting: seconds for which the oldest task that could run has found no worker.
    """

    tasks: dict[str, int]
    instances: dict[str, int]
    clusters: dict[str, int]
    breakers: dict[str, int]
    abandoned: int
    workers: int
    waiting: float


async def figures() -> Figures:
    """Reads them; a handful of statements over indexed columns."""
    (alone,) = await get_connection("default").execute_query_dict(_ALONE)
    return Figures(
        tasks=await _counted(_TASKS),
        instances=await _counted(_INSTANCES),
        clusters=await _counted(_CLUSTERS),
        breakers=await _counted(_BREAKERS),
        **alone,
    )


async def _counted(statement: str) -> dict[str, int]:
    rows = await get_connection("default").execute_query_dict(statement)
    return {row["state"]: row["number"] for row in rows}
