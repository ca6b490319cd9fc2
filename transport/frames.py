"""Frames of graphql-transport-ws as clients send them, and the codes with which a socket is closed."""

from collections.abc import Mapping
from typing import Any

import orjson

from transport.access import bearer
from transport.operations import Asked

LONGEST_ID = 128

GOING_AWAY = 1001
INTERNAL_ERROR = 1011
TRY_LATER = 1013
BAD_FRAME = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
NO_SUCH_PROTOCOL = 4406
INIT_TIMEOUT = 4408
ALREADY_SUBSCRIBED = 4409
TOO_MANY_INITS = 4429


class Closed(Exception):  # noqa: N818 - it ends the conversation, by rule
    """The client broke the protocol or may not be here; `code` says which."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def frame_in(text: str | None) -> Mapping[str, Any]:
    """A frame's text as an object. Raises Closed, as all of these functions do."""
    try:
        frame = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        raise Closed(BAD_FRAME, "A frame must be JSON text") from None
    if not isinstance(frame, dict):
        raise Closed(BAD_FRAME, "A frame must be a JSON object")
    return frame


def payload_in(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = frame.get("payload")
    if not isinstance(payload, dict | None):
        raise Closed(BAD_FRAME, "The payload must be an object")
    return payload or {}


def id_in(frame: Mapping[str, Any]) -> str:
    operation_id = frame.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= LONGEST_ID:
        raise Closed(BAD_FRAME, f"The id must be a text of 1 to {LONGEST_ID} characters")
    return operation_id


def asked_in(frame: Mapping[str, Any]) -> Asked:
    payload = payload_in(frame)
    query, name, variables = (payload.get(each) for each in ("query", "operationName", "variables"))
    if not isinstance(query, str) or not isinstance(name, str | None) or not isinstance(variables, dict | None):
        raise Closed(BAD_FRAME, "The payload must be {query, operationName?, variables?}")
    return Asked(query, name, variables or {})


def token_in(payload: Mapping[str, Any]) -> str | None:
    token = payload.get("token")
    if token is None:
        header = payload.get("Authorization", payload.get("authorization"))
        token = bearer(header) if isinstance(header, str) else None
    return token if isinstance(token, str) and token else None
