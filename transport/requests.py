"""What surrounds every request: its id, the log lines that carry it, and the counts."""

import re
import uuid
from time import perf_counter

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transport import metrics
from transport.documents import Prepared
from transport.errors import UNAVAILABLE, untold

log = structlog.get_logger("berth.requests")

HEADER = "x-request-id"
SANE = re.compile(r"[A-Za-z0-9._:+/=-]{8,128}\Z", re.ASCII)
"""Ids that callers may choose: long enough to be told apart, and nothing that could forge a log line."""

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that machines ask every few seconds: logged only when they fail."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are counted by name: a label that callers choose would grow without end."""

_KEY = "berth.request_id"
_OPERATION = "berth.operation"


def request_id_of(connection: HTTPConnection) -> str:
    """The id of the request or websocket; made on first use where no middleware has set it."""
    request_id: str = connection.scope.setdefault(_KEY, uuid.uuid4().hex)
    return request_id


def describe(connection: HTTPConnection, prepared: Prepared) -> None:
    """Let the request's log line say which operation it was."""
    connection.scope[_OPERATION] = operation_text(prepared)


def operation_text(prepared: Prepared) -> str:
    """The operation's type and name, for log lines: `query Instances`."""
    name = prepared.operation.name
    return f"{prepared.operation.operation.value} {name.value[:80] if name else ''}".rstrip()


class Requests:
    """The outermost middleware: a request id in, through and out, one log line for each request, and bugs as JSON.

    The id is the caller's X-Request-ID when it is sane, else a new one. Answers carry it, log lines of the same task
    carry it (`request_id`), and GraphQL errors carry it (`extensions.requestId`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = scope[_KEY] = given if SANE.match(given) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["type"] == "http":
                await self._http(scope, receive, send, request_id)
            else:
                await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as failure:
            log.exception("a request failed", method=scope["method"], path=scope["path"])
            if status:
                raise
            await _send_failure(send_with_id, request_id, failure)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            metrics.REQUESTS.labels(method, str(status or "none")).inc()
            if status >= 500 or scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    operation=scope.get(_OPERATION),
                    status=status or None,
                    milliseconds=round(1_000 * (perf_counter() - began), 1),
                    client=(scope.get("client") or [None])[0],
                )


async def _send_failure(send: Send, request_id: str, failure: Exception) -> None:
    message, extensions = untold(failure)
    error = {"message": message, "extensions": {**extensions, "requestId": request_id}}
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    status = 500
    if extensions["code"] == UNAVAILABLE:
        status = 503
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"errors": [error]})})
