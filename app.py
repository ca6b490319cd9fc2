"""The ASGI app: routes, middleware, lifespan, and nothing else. Served by `berth api`, or by `uvicorn app:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from tortoise.connection import get_connection

import reporting
from jobs import bell
from live import log_exchange, process
from live.events import bells
from live.logs import hub
from live.pods import pod_hub
from models import database
from models.keyring import Keyring
from models.migrate import pending
from resolvers.auth import authenticate
from resolvers.context import Context
from resolvers.figures import figures
from resolvers.session import Session
from rules.viewer import Viewer
from schema import schema
from schema.limits import Limits
from settings import settings
from transport import metrics
from transport.access import Held
from transport.cross_origin import cross_origin
from transport.endpoint import Endpoint
from transport.graphiql import GraphiQL
from transport.health import Readiness, healthz
from transport.operations import Operations
from transport.plain_logs import PlainLogs
from transport.requests import Requests
from transport.service import Service, TransportLimits
from transport.shutdown import GRACE, Shutdown


def make_context(viewer: object, request_id: str, session: Session) -> Context:
    """The context of one operation."""
    assert isinstance(viewer, Viewer)
    return Context(viewer, request_id, session)


chosen = settings()
service = Service(
    Operations(schema, Limits.of(chosen), chosen.request_deadline),
    authenticate,
    make_context,
    shutdown=Shutdown(chosen.drain_spread, max(0.0, chosen.drain_limit - GRACE)),
    streams=Held(chosen.subscriptions_per_token),
    limits=TransportLimits.of(chosen),
)
explorer = GraphiQL(chosen.graphiql_assets)
endpoint = Endpoint(service, explorer.page)


async def database_answers() -> None:
    await get_connection("default").execute_query("SELECT 1")


async def queue_answers() -> None:
    assert await bell.current().answers(), "the queue does not answer"


async def migrations_are_current() -> None:
    lacking = await pending(get_connection("default"))
    assert not lacking, f"the database lacks {lacking}"


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Opens what requests share, and closes it in reverse; at a signal streams end first, and then the server."""
    reporting.configure(chosen)
    assert chosen.keyring is not None, "set BERTH_KEYRING to the file of encryption keys"
    await database.open(chosen.database_url, chosen.database_pool)
    try:
        await process.open(Keyring.load(chosen.keyring))
        bell.open(chosen.redis_url)
        bells.open(chosen.database_url)
        if chosen.log_sharing == "valkey":
            assert chosen.redis_url, "set REDIS_URL, or BERTH_LOG_SHARING to off"
            log_exchange.open(chosen.redis_url, chosen.log_lease)
        process.settle_memory()
        with service.shutdown.on_signals():
            yield
        await service.operations.finish_writes()
    finally:
        await hub.close()
        await log_exchange.close()
        await pod_hub.close()
        await bells.close()
        await bell.close()
        await process.close()
        await database.close()


checks = {"database": database_answers, "queue": queue_answers, "migrations": migrations_are_current}
app = Starlette(
    routes=[
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
        Route("/instances/{app}/{instance}/logs", PlainLogs(service)),
        *explorer.routes(),
        Route("/healthz", healthz),
        Route("/readyz", Readiness(checks, service.shutdown).answer),
        Route("/metrics", metrics.metrics(figures)),
    ],
    middleware=[Middleware(Requests), *cross_origin(chosen.allowed_origins)],
    lifespan=lifespan,
)
