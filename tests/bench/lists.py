"""A connection of 100 instances with 10 fields, app and three services each, and the smallest question there is."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded import Postgres
from models import User, database
from models.migrate import migrate
from resolvers.auth import authenticate
from resolvers.context import Context
from resolvers.session import Session
from rules.viewer import Viewer
from schema import schema
from schema.limits import Limits
from settings import settings
from tests.bench.asgi import Call, caller, measure
from tests.bench.floor import Floor
from tests.kit import makers
from transport.endpoint import Endpoint
from transport.operations import Operations
from transport.requests import Requests
from transport.service import Service

INSTANCES = 100
ROUNDS = 200

LIST = """{ instances(first: 100) { totalCount pageInfo { hasNextPage }
  nodes { id name title namespace state stateSince version cursor createdAt outdated
    app { id name title } services { id name state enabled } } } }"""


def _context(viewer: object, request_id: str, session: Session) -> Context:
    assert isinstance(viewer, Viewer)
    return Context(viewer, request_id, session)


async def _empty(_request: Request) -> Response:
    return Response(b"{}", media_type="application/json")


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as folder:
        server = Postgres(Path(folder) / "postgres", fast=True)
        server.start()
        try:
            await migrate(server.dsn())
            await database.open(server.dsn(), pool=5)
            yield server.dsn()
        finally:
            await database.close()
            server.stop()


async def _secret() -> str:
    """Rows for the list: 100 instances of 20 apps, three services each; the secret of someone who may see them."""
    world = await makers.world("acme", web={}, worker={}, db={"type": "db"})
    apps = [await makers.app(world.organization, f"app-{number}", world.stack) for number in range(20)]
    for number in range(INSTANCES):
        await makers.instance(world, f"i-{number}", app=apps[number % 20])
    hidden = await makers.world("other")
    for number in range(INSTANCES):
        await makers.instance(hidden, f"i-{number}")
    _, secret = await makers.token(await User.get(id=world.owner.user_id))
    return secret


def _app(pool: "asyncpg.Pool[asyncpg.Record]") -> Starlette:
    operations = Operations(schema, Limits.of(settings()), settings().request_deadline)
    service = Service(operations, authenticate, _context)
    routes = [
        Route("/floor", Floor(pool).answer, methods=["POST"]),
        Route("/empty", _empty, methods=["POST"]),
        Route("/graphql", Endpoint(service)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Requests)])


async def run() -> list[str]:
    """What was measured, in lines to be printed."""
    async with _database() as dsn, asyncpg.create_pool(dsn, min_size=2, max_size=5) as pool:
        headers = {"authorization": f"Bearer {await _secret()}", "content-type": "application/json"}
        app = _app(pool)

        def graphql(document: str) -> Call:
            return caller(app, "POST", "/graphql", headers, orjson.dumps({"query": document}))

        asked = {
            "floor": caller(app, "POST", "/floor", headers, b"{}"),
            "list": graphql(LIST),
            "empty": caller(app, "POST", "/empty", headers, b"{}"),
            "viewer": graphql("{ viewer { id } }"),
        }
        shown = orjson.loads(await asked["list"]())["data"]["instances"]
        assert (len(shown["nodes"]), shown["totalCount"]) == (INSTANCES, INSTANCES), shown
        figures = await measure(ROUNDS, **asked)
    floor, many, empty, viewer = (figures[name] for name in asked)
    return [
        "100 instances with 10 fields, app and 3 services, over plain SQL and JSON:",
        f"  CPU    {many.cpu_median / floor.cpu_median:.1f} times the floor  (at most 6)",
        f"         {many.cpu_median:.2f} ms, floor {floor.cpu_median:.2f} ms",
        f"  p95    {many.wall_p95 / many.wall_median:.2f} times the median  (at most 2)",
        "{ viewer { id } }, over an empty route:",
        f"  time   {viewer.wall_median - empty.wall_median:.2f} ms  (at most 1.5)",
        f"  CPU    {viewer.cpu_median - empty.cpu_median:.2f} ms",
    ]
