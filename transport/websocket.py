"""GraphQL over websockets: the graphql-transport-ws protocol, and no other.

A broken frame closes the socket with 4400; a broken operation answers `error` for that operation alone. Frames are
text: browsers' clients cannot read binary ones.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from models.postgres import AWAY
from resolvers.session import SERVER_DRAIN, Ending, Session
from transport import metrics
from transport.access import TooMany, draining, too_many, until_revoked
from transport.disconnects import cancelled
from transport.documents import Prepared, Unprepared
from transport.errors import TOO_MANY_SUBSCRIPTIONS, Formatted, formatted, problem
from transport.frames import (
    ALREADY_SUBSCRIBED,
    BAD_FRAME,
    FORBIDDEN,
    GOING_AWAY,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    NO_SUCH_PROTOCOL,
    TOO_MANY_INITS,
    TRY_LATER,
    UNAUTHORIZED,
    Closed,
    asked_in,
    frame_in,
    id_in,
    payload_in,
    token_in,
)
from transport.operations import Asked, StreamFailed
from transport.requests import operation_text, request_id_of
from transport.service import Service

log = structlog.get_logger("berth.transport")

_BEFORE_INIT = 100
"""Frames, such as pings, that a client may send before it says who asks."""

PROTOCOL = "graphql-transport-ws"


class Connection:
    """One websocket, from its handshake to its end."""

    def __init__(self, service: Service, websocket: WebSocket) -> None:
        self._service = service
        self._websocket = websocket
        self._id = request_id_of(websocket)
        self._session = Session(stays=True)
        self._greeted = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._left: Closed | None = None
        self._talk: asyncio.Task[None]
        self._number = 0

    async def serve(self) -> None:
        """Talk until either side ends it. Operations that still run are cancelled; writes go on to their end."""
        if PROTOCOL not in self._websocket.scope.get("subprotocols", ()):
            await self._websocket.accept()
            await self._websocket.close(NO_SUCH_PROTOCOL, "Subprotocol not acceptable")
            return
        await self._websocket.accept(PROTOCOL)
        if self._service.shutdown.begun:
            await self._close(Closed(GOING_AWAY, SERVER_DRAIN.message))
            return
        metrics.WEBSOCKETS.inc()
        log.info("a websocket was opened")
        try:
            with self._service.shutdown.holding(self._leave):
                self._talk = asyncio.create_task(self._converse())
                looking = asyncio.create_task(self._until_revoked())
                try:
                    await asyncio.wait({self._talk})
                finally:
                    for task in (self._talk, looking):
                        await cancelled(task)
                if self._left:
                    raise self._left
                self._talk.result()
        except Closed as closed:
            await self._close(closed)
        except TooMany:
            await self._close(Closed(TRY_LATER, "This token has too many connections open"))
        except WebSocketDisconnect:
            pass
        except AWAY:
            log.warning("a websocket ended with the database", exc_info=True)
            await self._close(Closed(TRY_LATER, "The database does not answer now"))
        except Exception:
            log.exception("a websocket failed")
            await self._close(Closed(INTERNAL_ERROR, "Internal error"))
        finally:
            metrics.WEBSOCKETS.dec()
            log.info("a websocket ended", operations=self._number)
            for task in [*self._operations.values(), *self._beside]:
                await cancelled(task)

    async def _converse(self) -> None:
        try:
            async with asyncio.timeout(self._service.limits.websocket_init):
                for _ in range(_BEFORE_INIT):
                    if self._greeted:
                        break
                    await self._handle(await self._receive())
                else:
                    raise Closed(BAD_FRAME, "Too many frames before connection_init")
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        with self._service.websockets.one_more(self._session.token):
            while True:
                await self._handle(await self._receive())

    def _leave(self) -> None:
        self._beside.add(asyncio.create_task(self._until_turn()))

    async def _until_turn(self) -> None:
        """Leave when the process is about to end, at this connection's turn."""
        await self._say_goodbye(await self._service.shutdown.turn(), GOING_AWAY)

    async def _until_revoked(self) -> None:
        authenticate, every = self._service.authenticate, self._service.limits.token_recheck
        ending = await until_revoked(authenticate, self._session, every, lambda: bool(self._operations))
        await self._say_goodbye(ending, FORBIDDEN)

    async def _say_goodbye(self, ending: Ending, code: int) -> None:
        """Let the streams say why they end, within a moment; then the socket closes."""
        self._session.end(ending)
        if self._operations:
            await asyncio.wait(self._operations.values(), timeout=self._service.limits.farewell)
        self._left = self._left or Closed(code, ending.message)
        self._talk.cancel()

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005)
        return frame_in(message.get("text"))

    async def _handle(self, frame: Mapping[str, Any]) -> None:
        match frame.get("type"):
            case "connection_init":
                await self._greet(payload_in(frame))
            case "ping":
                payload = payload_in(frame)
                await self._send({"type": "pong", **({"payload": payload} if payload else {})})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(id_in(frame), asked_in(frame))
            case "complete":
                self._end(id_in(frame))
            case _:
                raise Closed(BAD_FRAME, "A frame must have a type of graphql-transport-ws")

    async def _greet(self, payload: Mapping[str, Any]) -> None:
        if self._greeted:
            raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
        token = token_in(payload)
        if token is None:
            raise Closed(UNAUTHORIZED, "Unauthorized: send {token} in connection_init")
        self._session.token = token
        await self._viewer()
        self._greeted = True
        await self._send({"type": "connection_ack"})

    async def _viewer(self) -> object:
        """Who the token stands for now: it may be revoked or past its end since the connection was opened."""
        async with asyncio.timeout(self._service.limits.patience):
            viewer = await self._service.authenticate(self._session.token)
        if viewer is None:
            raise Closed(FORBIDDEN, "Forbidden: the token is wrong, revoked or past its end")
        return viewer

    async def _subscribe(self, operation_id: str, asked: Asked) -> None:
        if not self._greeted:
            raise Closed(UNAUTHORIZED, "Unauthorized: connection_init comes first")
        if operation_id in self._operations:
            raise Closed(ALREADY_SUBSCRIBED, f"Subscriber for {operation_id[:64]} already exists")
        self._number += 1
        request_id = f"{self._id}-{self._number}"
        viewer = await self._viewer()
        if len(self._operations) >= self._service.limits.operations:
            limit = self._service.limits.operations
            message = f"This connection has {limit} operations open, and may not have more."
            refusal = problem(TOO_MANY_SUBSCRIPTIONS, message, "End some of them first.", max=limit)
            await self._send({"id": operation_id, "type": "error", "payload": formatted([refusal], request_id)})
            return
        task = asyncio.create_task(self._run(operation_id, asked, viewer, request_id))
        self._operations[operation_id] = task
        task.add_done_callback(self._beside.discard)

    def _end(self, operation_id: str) -> None:
        """Free the id at once; what the operation still has to clean up, it cleans up beside."""
        task = self._operations.pop(operation_id, None)
        if task:
            self._beside.add(task)
            task.cancel()

    async def _run(self, operation_id: str, asked: Asked, viewer: object, request_id: str) -> None:
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            prepared = self._service.operations.prepare(asked)
            log.info("an operation was asked for", operation=operation_text(prepared))
            context = self._service.make_context(viewer, request_id, self._session)
            if prepared.operation.operation is OperationType.SUBSCRIPTION:
                if self._service.shutdown.begun:
                    self._beside.add(asyncio.create_task(self._say_goodbye(SERVER_DRAIN, GOING_AWAY)))
                    raise Unprepared([draining()])
                await self._stream(operation_id, prepared, context, request_id)
            else:
                answer = await self._service.operations.execute(prepared, context, request_id)
                if "data" not in answer:
                    raise StreamFailed(answer["errors"])
                await self._send({"id": operation_id, "type": "next", "payload": answer})
        except Unprepared as refusal:
            await self._fail(operation_id, formatted(refusal.errors, request_id))
        except TooMany:
            await self._fail(operation_id, formatted([too_many(self._service.streams.limit)], request_id))
        except StreamFailed as failure:
            await self._fail(operation_id, failure.errors)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            await self._fail(operation_id, formatted([GraphQLError("", original_error=error)], request_id))
        else:
            await self._last(operation_id, {"id": operation_id, "type": "complete"})

    async def _stream(self, operation_id: str, prepared: Prepared, context: object, request_id: str) -> None:
        stream = self._service.operations.stream(prepared, context, request_id)
        # The answer is text that others may get as well: only the frame around it is this operation's own.
        frame = f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":'
        with self._service.streams.one_more(self._session.token):
            async with aclosing(stream) as answers:
                async for answer in answers:
                    await self._send_text(frame + answer + "}")

    async def _fail(self, operation_id: str, errors: list[Formatted]) -> None:
        await self._last(operation_id, {"id": operation_id, "type": "error", "payload": errors})

    async def _last(self, operation_id: str, frame: Mapping[str, Any]) -> None:
        """Free the id before the client hears of the end: it may use it again at once."""
        if self._operations.get(operation_id) is asyncio.current_task():
            del self._operations[operation_id]
            await self._send(frame)

    async def _send(self, frame: Mapping[str, Any]) -> None:
        await self._send_text(orjson.dumps(frame).decode())

    async def _send_text(self, text: str) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            await self._websocket.send_text(text)

    async def _close(self, closed: Closed) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, TimeoutError):  # a client that does not read cannot be told
                async with asyncio.timeout(self._service.limits.farewell):
                    await self._websocket.close(closed.code, closed.reason)
