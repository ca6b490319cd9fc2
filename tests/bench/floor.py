"""The floor of the list benchmark: the same rows as JSON by plain queries, with the same look-up of the token, access
filter and count."""

import hashlib
from collections import defaultdict
from typing import Any

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response

TOKEN = """
SELECT k.user_id, m.organization_id FROM token k LEFT JOIN membership m ON m.user_id = k.user_id
WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""
VISIBLE = "i.organization_id = ANY($1) AND i.deleted_at IS NULL"
INSTANCES = f"""
SELECT i.id, i.app_id, i.name, i.title, i.namespace, i.state, i.state_since, i.version, i.seq, i.created_at,
       r.number < s.latest_number AS outdated
FROM instance i JOIN stack_revision r ON r.id = i.stack_revision_id JOIN stack s ON s.id = r.stack_id
WHERE {VISIBLE} ORDER BY i.created_at DESC, i.id DESC LIMIT 101
"""
COUNT = f"SELECT count(*) FROM instance i WHERE {VISIBLE}"
APPS = "SELECT id, name, title FROM app WHERE id = ANY($1)"
SERVICES = "SELECT instance_id, id, name, state, enabled FROM app_service WHERE instance_id = ANY($1) ORDER BY position"


class Floor:
    """A Starlette route that does by hand what the GraphQL list does."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def answer(self, request: Request) -> Response:
        """The page as JSON."""
        secret = request.headers["authorization"].removeprefix("Bearer ")
        await request.json()
        async with self._pool.acquire() as connection:
            owners = await connection.fetch(TOKEN, hashlib.sha256(secret.encode()).hexdigest())
            organizations = [row["organization_id"] for row in owners]
            rows = await connection.fetch(INSTANCES, organizations)
            count = await connection.fetchval(COUNT, organizations)
            instances = rows[:100]
            apps = {row["id"]: dict(row) for row in await connection.fetch(APPS, [row["app_id"] for row in instances])}
            services: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for row in await connection.fetch(SERVICES, [row["id"] for row in instances]):
                services[row["instance_id"]].append(
                    {"id": row["id"], "name": row["name"], "state": row["state"], "enabled": row["enabled"]}
                )
        nodes = [
            {
                "id": row["id"],
                "name": row["name"],
                "title": row["title"],
                "namespace": row["namespace"],
                "state": row["state"],
                "stateSince": row["state_since"],
                "version": row["version"],
                "cursor": str(row["seq"]),
                "createdAt": row["created_at"],
                "outdated": row["outdated"],
                "app": apps[row["app_id"]],
                "services": services[row["id"]],
            }
            for row in instances
        ]
        page = {"totalCount": count, "pageInfo": {"hasNextPage": len(rows) > 100}, "nodes": nodes}
        return Response(orjson.dumps({"data": {"instances": page}}), media_type="application/json")
