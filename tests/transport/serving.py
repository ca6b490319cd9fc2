"""The small contract behind the real endpoint, and a real server for what needs sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from resolvers.session import Session
from schema.limits import Limits
from tests.transport.contract import SCHEMA, Context, World
from transport.access import Held
from transport.endpoint import Endpoint
from transport.operations import Operations
from transport.requests import Requests
from transport.service import Service, TransportLimits
from transport.shutdown import Shutdown

TOKEN = {"authorization": "Bearer good"}


@dataclass
class Served:
    """An application with what a test may look at and turn."""

    world: World
    service: Service
    app: Starlette
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://berth", headers=TOKEN)


def served(
    *,
    deadline: float = 30,
    per_token: int = 200,
    page: Any = None,
    schema: Any = SCHEMA,
    shutdown: Shutdown | None = None,
    **limits: Any,
) -> Served:
    world, tokens = World(), {"good": "ann", "other": "bob"}

    async def authenticate(token: str | None) -> object | None:
        return tokens.get(token or "")

    def make_context(viewer: object, request_id: str, session: Session) -> Context:
        return Context(world, str(viewer), request_id, session)

    service = Service(
        Operations(schema, Limits(), deadline),
        authenticate,
        make_context,
        shutdown=shutdown or Shutdown(),
        streams=Held(per_token),
        limits=TransportLimits(**limits),
    )
    endpoint = Endpoint(service, page)
    routes = [Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)]
    return Served(world, service, Starlette(routes=routes, middleware=[Middleware(Requests)]), tokens)


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """The port of a real server on loopback, which is gone afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="websockets-sansio", timeout_keep_alive=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        listener.close()
