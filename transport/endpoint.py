"""`/graphql`: GraphQL over HTTP as its specification says, server-sent events in distinct connections, and websockets.

There are no cookies: who asks is said by a bearer token each time, so requests from other origins can do no harm.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from resolvers.session import Ending, Session
from transport.access import bearer, draining, too_many, unauthenticated, until_revoked
from transport.bodies import EVENT_STREAM, GRAPHQL_JSON, HTML, JSON, Rejected, read_asked, wanted
from transport.disconnects import while_connected
from transport.documents import Prepared, Unprepared
from transport.errors import BAD_REQUEST, DEADLINE_EXCEEDED, Formatted, formatted, problem
from transport.operations import Asked
from transport.requests import describe, request_id_of
from transport.service import Service
from transport.streaming import EventStream, one_answer
from transport.websocket import Connection

Done = TypeVar("Done")

ALLOWED = {"allow": "GET, POST"}
CHALLENGE = {"www-authenticate": 'Bearer realm="berth"'}


class Endpoint:
    """The ASGI application behind the route `/graphql`, for HTTP and for websockets."""

    def __init__(self, service: Service, page: Callable[[Request], Response] | None = None) -> None:
        """`page` answers browsers, which ask for HTML."""
        self._service = service
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Connection(self._service, WebSocket(scope, receive, send)).serve()
            return
        request = Request(scope, receive)
        response = await self._respond(request)
        if response is not None:
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response | EventStream | None:
        """The response; None when nobody is there to read it."""
        request_id = request_id_of(request)
        media = JSON
        try:
            if request.method not in ("GET", "POST"):
                raise Rejected(405, problem(BAD_REQUEST, "GraphQL is asked by GET or POST."), ALLOWED)
            media = self._media(request)
            if media == HTML and self._page:
                return self._page(request)
            viewer, token = await self._viewer(request)
            asked = await self._in_time(read_asked(request, self._service.limits.body), 408)
            return await self._answer(request, asked, media, viewer, token)
        except Rejected as rejected:
            body = {"errors": formatted([rejected.error], request_id)}
            media = GRAPHQL_JSON if media == GRAPHQL_JSON else JSON
            return _json(body, media, rejected.status, rejected.headers)

    async def _viewer(self, request: Request) -> tuple[object, str]:
        """Who asks, and with which token. Raises Rejected."""
        token = bearer(request.headers.get("authorization"))
        viewer = await self._in_time(self._service.authenticate(token), 503)
        if viewer is None or token is None:
            raise Rejected(401, unauthenticated(token), CHALLENGE)
        return viewer, token

    async def _in_time(self, work: Awaitable[Done], status: int) -> Done:
        try:
            async with asyncio.timeout(self._service.limits.patience):
                return await work
        except TimeoutError:
            seconds = self._service.limits.patience
            late = problem(DEADLINE_EXCEEDED, f"The request was not read within {seconds:g} seconds.", "Send it again.")
            raise Rejected(status, late, {"connection": "close"}) from None

    async def _answer(
        self, request: Request, asked: Asked, media: str, viewer: object, token: str
    ) -> Response | EventStream | None:
        request_id = request_id_of(request)
        try:
            prepared = self._service.operations.prepare(asked)
        except Unprepared as refusal:
            return self._result({"errors": formatted(refusal.errors, request_id)}, media)
        kind = prepared.operation.operation
        describe(request, prepared)
        if request.method == "GET" and kind is OperationType.MUTATION:
            raise Rejected(405, problem(BAD_REQUEST, "A mutation changes things: send it by POST."), {"allow": "POST"})
        session = Session(token)
        context = self._service.make_context(viewer, request_id, session)
        if kind is OperationType.SUBSCRIPTION:
            if media != EVENT_STREAM:
                remedy = f"Send Accept: {EVENT_STREAM}, or use a websocket (graphql-transport-ws)."
                raise Rejected(400, problem(BAD_REQUEST, "A subscription has many answers.", remedy))
            self._has_room(token)
            answers = self._stream(prepared, context, token, request_id)
            return EventStream(answers, self._service.limits, session, *self._must_end(session))
        answer = await while_connected(request.receive, self._service.operations.execute(prepared, context, request_id))
        return None if answer is None else self._result(answer, media)

    def _has_room(self, token: str) -> None:
        """Whether one more stream may be opened. Raises Rejected."""
        if self._service.shutdown.begun:
            raise Rejected(503, draining(), {"retry-after": "1"})
        if self._service.streams.are_full(token):
            raise Rejected(429, too_many(self._service.streams.limit))

    def _must_end(self, session: Session) -> Iterator[Callable[[], Coroutine[Any, Any, Ending]]]:
        """What a stream of this session ends for."""
        every = self._service.limits.token_recheck
        yield self._service.shutdown.turn
        yield partial(until_revoked, self._service.authenticate, session, every, lambda: True)

    async def _stream(
        self, prepared: Prepared, context: object, token: str, request_id: str
    ) -> AsyncGenerator[str, None]:
        with self._service.streams.one_more(token), self._service.shutdown.holding():
            async with aclosing(self._service.operations.stream(prepared, context, request_id)) as answers:
                async for answer in answers:
                    yield answer

    def _result(self, answer: Formatted, media: str) -> Response | EventStream:
        if media == EVENT_STREAM:
            return EventStream(one_answer(answer), self._service.limits, Session())
        # By the specification a plain JSON answer says 200 even where nothing was executed.
        status = 400 if media == GRAPHQL_JSON and "data" not in answer else 200
        return _json(answer, media, status)

    def _media(self, request: Request) -> str:
        offered: tuple[str, ...] = (GRAPHQL_JSON, JSON, EVENT_STREAM)
        if self._page and request.method == "GET" and "query" not in request.query_params:
            offered += (HTML,)
        media = wanted(request.headers.get("accept", ""), offered, JSON)
        if media is None:
            raise Rejected(
                406, problem(BAD_REQUEST, f"Answers come as {', '.join(offered[:3])}.", "Accept one of them.")
            )
        return media


def _json(answer: Formatted, media: str, status: int, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(answer)
    return Response(body, status, {**(headers or {}), "content-type": f"{media}; charset=utf-8"})
