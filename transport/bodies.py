"""An HTTP request read as a GraphQL request, by the GraphQL over HTTP specification; a fault is one clear answer."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request

from transport.errors import BAD_REQUEST, PAYLOAD_TOO_LARGE, problem
from transport.operations import Asked

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"


class Rejected(Exception):  # noqa: N818 - it carries the answer to the client
    """A request that is no GraphQL request, with the status and the error to answer."""

    def __init__(self, status: int, error: GraphQLError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


def wanted(accept: str, offered: tuple[str, ...], default: str) -> str | None:
    """The offered media type that an Accept header likes best, earlier ones first; None when it likes none of them.

    `default` answers a missing header and wildcards.
    """
    liked = dict(_wishes(accept)) if accept.strip() else {"*/*": 1.0}
    best, most = None, 0.0
    for media in offered:
        ranges = (media, media.split("/")[0] + "/*", "*/*") if media == default else (media,)
        quality = next((liked[each] for each in ranges if each in liked), 0.0)
        if quality > most:
            best, most = media, quality
    return best


def _wishes(accept: str) -> Iterator[tuple[str, float]]:
    for wish in accept.split(","):
        media, *parameters = (part.strip() for part in wish.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        yield media.lower(), quality


async def read_asked(request: Request, body_limit: int) -> Asked:
    """The GraphQL request in a GET's parameters or a POST's body. Raises Rejected."""
    if request.method == "GET":
        return _asked(_parameters(request))
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        raise Rejected(415, problem(BAD_REQUEST, f"The body must be {JSON} in UTF-8.", f"Send Content-Type: {JSON}."))
    body = await _body(request, body_limit)
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad(f"The body is not JSON in UTF-8: {error}.") from None
    if isinstance(given, list):
        raise _bad("Several operations in one request are not supported.", "Send one request for each operation.")
    if not isinstance(given, dict):
        raise _bad("The body must be a JSON object.")
    return _asked(given)


async def _body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect:
        raise _bad("The body ended early.") from None
    return b"".join(parts)


def _parameters(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        text = given.get(name)
        if text:
            try:
                given[name] = orjson.loads(text)
            except orjson.JSONDecodeError:
                raise _bad(f"The parameter `{name}` is not JSON.") from None
        else:
            given[name] = None
    given["operationName"] = given.get("operationName") or None
    return given


def _asked(given: Mapping[str, Any]) -> Asked:
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise _bad("There is no `query`, or it is not a text.", "Send the GraphQL document as `query`.")
    name = given.get("operationName")
    if not isinstance(name, str | None):
        raise _bad("`operationName` must be a text or null.")
    for member in ("variables", "extensions"):
        if not isinstance(given.get(member), dict | None):
            raise _bad(f"`{member}` must be an object or null.")
    return Asked(query, name, given.get("variables") or {})


def _bad(message: str, remedy: str = "") -> Rejected:
    return Rejected(400, problem(BAD_REQUEST, message, remedy))


def _too_large(limit: int) -> Rejected:
    message = f"The body is larger than {limit:,} bytes."
    # The rest of the body stays unread, so the connection cannot carry another request.
    return Rejected(413, problem(PAYLOAD_TOO_LARGE, message, "Send less at once."), {"connection": "close"})
