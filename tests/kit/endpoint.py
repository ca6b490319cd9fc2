"""The real endpoint over the real schema, for tests that need its sockets."""

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from resolvers.auth import authenticate
from resolvers.context import Context
from resolvers.session import Session
from rules.viewer import Viewer
from schema import schema
from schema.limits import Limits
from transport.endpoint import Endpoint
from transport.operations import Operations
from transport.service import Service, TransportLimits


def make_context(viewer: object, request_id: str, session: Session) -> Context:
    """The context of one operation."""
    assert isinstance(viewer, Viewer)
    return Context(viewer, request_id, session)


def service(**limits: Any) -> Service:
    """What `app.py` makes, with limits of the test's own."""
    return Service(Operations(schema, Limits(), 30), authenticate, make_context, limits=TransportLimits(**limits))


def application(made: Service) -> Starlette:
    """`/graphql`, without the rest of `app.py`."""
    endpoint = Endpoint(made)
    return Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
