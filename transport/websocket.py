"""GraphQL over websockets: the graphql-transport-ws protocol, and no other.

A broken frame closes the socket with 4400; a broken operation answers `error` for that operation alone. Frames are
text: browsers' clients cannot read binary ones.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from transport import metrics
from transport.access import TooMany, bearer, too_many, until_revoked
from transport.disconnects import cancelled
from transport.documents import Prepared, Unprepared
from transport.errors import TOO_MANY_SUBSCRIPTIONS, Formatted, formatted, problem
from transport.operations import Asked, StreamFailed
from transport.requests import operation_text, request_id_of
from transport.service import Service

log = structlog.get_logger("berth.transport")

PROTOCOL = "graphql-transport-ws"

LONGEST_ID = 128

INTERNAL_ERROR = 1011
TRY_LATER = 1013
BAD_FRAME = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
NO_SUCH_PROTOCOL = 4406
INIT_TIMEOUT = 4408
ALREADY_SUBSCRIBED = 4409
TOO_MANY_INITS = 4429


class _Closed(Exception):  # noqa: N818 - it ends the conversation, by rule
    """The client broke the protocol or may not be here; `code` says which."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One websocket, from its handshake to its end."""

    def __init__(self, service: Service, websocket: WebSocket) -> None:
        self._service = service
        self._websocket = websocket
        self._id = request_id_of(websocket)
        self._token: str | None = None
        self._greeted = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._number = 0

    async def serve(self) -> None:
        """Talk until either side ends it. Operations that still run are cancelled; writes go on to their end."""
        if PROTOCOL not in self._websocket.scope.get("subprotocols", ()):
            await self._websocket.accept()
            await self._websocket.close(NO_SUCH_PROTOCOL, "Subprotocol not acceptable")
            return
        await self._websocket.accept(PROTOCOL)
        metrics.WEBSOCKETS.inc()
        log.info("a websocket was opened")
        try:
            with ExitStack() as held:
                await self._converse(held)
        except _Closed as closed:
            await self._close(closed)
        except WebSocketDisconnect:
            pass
        except Exception:
            log.exception("a websocket failed")
            await self._close(_Closed(INTERNAL_ERROR, "Internal error"))
        finally:
            metrics.WEBSOCKETS.dec()
            log.info("a websocket ended", operations=self._number)
            for task in [*self._operations.values(), *self._beside]:
                await cancelled(task)

    async def _converse(self, held: ExitStack) -> None:
        try:
            async with asyncio.timeout(self._service.limits.websocket_init):
                while not self._greeted:
                    await self._handle(await self._receive())
        except TimeoutError:
            raise _Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        try:
            held.enter_context(self._service.websockets.one_more(self._token or ""))
        except TooMany:
            raise _Closed(TRY_LATER, "This token has too many connections open") from None
        while True:
            await self._handle(await self._receive())

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005)
        try:
            frame = orjson.loads(message.get("text") or "")
        except orjson.JSONDecodeError:
            raise _Closed(BAD_FRAME, "A frame must be JSON text") from None
        if not isinstance(frame, dict):
            raise _Closed(BAD_FRAME, "A frame must be a JSON object")
        return frame

    async def _handle(self, frame: Mapping[str, Any]) -> None:
        match frame.get("type"):
            case "connection_init":
                await self._greet(_payload(frame))
            case "ping":
                payload = _payload(frame)
                await self._send({"type": "pong", **({"payload": payload} if payload else {})})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(_id(frame), _asked(frame))
            case "complete":
                self._end(_id(frame))
            case _:
                raise _Closed(BAD_FRAME, "A frame must have a type of graphql-transport-ws")

    async def _greet(self, payload: Mapping[str, Any]) -> None:
        if self._greeted:
            raise _Closed(TOO_MANY_INITS, "Too many initialisation requests")
        self._token = _token(payload)
        if self._token is None:
            raise _Closed(UNAUTHORIZED, "Unauthorized: send {token} in connection_init")
        await self._viewer()
        self._greeted = True
        self._beside.add(asyncio.create_task(self._watch(self._token)))
        await self._send({"type": "connection_ack"})

    async def _viewer(self) -> object:
        """Who the token stands for now: it may be revoked or past its end since the connection was opened."""
        async with asyncio.timeout(self._service.limits.patience):
            viewer = await self._service.authenticate(self._token)
        if viewer is None:
            raise _Closed(FORBIDDEN, "Forbidden: the token is wrong, revoked or past its end")
        return viewer

    async def _watch(self, token: str) -> None:
        every = self._service.limits.token_recheck
        await until_revoked(self._service.authenticate, token, every, lambda: bool(self._operations))
        await self._close(_Closed(FORBIDDEN, "Forbidden: the token is revoked or past its end"))

    async def _subscribe(self, operation_id: str, asked: Asked) -> None:
        if not self._greeted:
            raise _Closed(UNAUTHORIZED, "Unauthorized: connection_init comes first")
        if operation_id in self._operations:
            raise _Closed(ALREADY_SUBSCRIBED, f"Subscriber for {operation_id[:64]} already exists")
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
            context = self._service.make_context(self._websocket, viewer, request_id)
            if prepared.operation.operation is OperationType.SUBSCRIPTION:
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
        assert self._token is not None
        stream = self._service.operations.stream(prepared, context, request_id)
        # The answer is text that others may get as well: only the frame around it is this operation's own.
        frame = f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":'
        with self._service.streams.one_more(self._token):
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

    async def _close(self, closed: _Closed) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect):
                await self._websocket.close(closed.code, closed.reason)


def _payload(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = frame.get("payload")
    if not isinstance(payload, dict | None):
        raise _Closed(BAD_FRAME, "The payload must be an object")
    return payload or {}


def _id(frame: Mapping[str, Any]) -> str:
    operation_id = frame.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= LONGEST_ID:
        raise _Closed(BAD_FRAME, f"The id must be a text of 1 to {LONGEST_ID} characters")
    return operation_id


def _asked(frame: Mapping[str, Any]) -> Asked:
    payload = _payload(frame)
    query, name, variables = (payload.get(each) for each in ("query", "operationName", "variables"))
    if not isinstance(query, str) or not isinstance(name, str | None) or not isinstance(variables, dict | None):
        raise _Closed(BAD_FRAME, "The payload must be {query, operationName?, variables?}")
    return Asked(query, name, variables or {})


def _token(payload: Mapping[str, Any]) -> str | None:
    token = payload.get("token")
    if token is None:
        header = payload.get("Authorization", payload.get("authorization"))
        token = bearer(header) if isinstance(header, str) else None
    return token if isinstance(token, str) and token else None
