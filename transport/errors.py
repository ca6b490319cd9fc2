"""What a client is told of an error: refusals, limits and faults of its own in full, bugs never."""

from collections.abc import Iterable
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from models.postgres import AWAY
from rules.refusals import Refused

log = structlog.get_logger("berth.transport")

UNAUTHENTICATED = "UNAUTHENTICATED"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
INTERNAL_ERROR = "INTERNAL_ERROR"
BAD_REQUEST = "BAD_REQUEST"
BAD_USER_INPUT = "BAD_USER_INPUT"
PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
BUSY = "BUSY"
UNAVAILABLE = "UNAVAILABLE"
TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"

LONGEST_MESSAGE = 1_000
"""Messages of the parser and of validation quote the document, which may be long."""

Formatted = dict[str, Any]


def problem(code: str, message: str, remedy: str = "", **more: object) -> GraphQLError:
    """An error of the request itself, with its code and what to do about it."""
    said = {"remedy": remedy} if remedy else {}
    return GraphQLError(message, extensions={"code": code, **said, **more})


def formatted(errors: Iterable[GraphQLError], request_id: str) -> list[Formatted]:
    """The errors as clients see them, each with a code and the request's id; bugs are logged and named nothing else."""
    return [_format(error, request_id) for error in errors]


def is_internal(answer: Formatted) -> bool:
    """Whether one of the answer's errors is a bug of ours."""
    return any(error["extensions"]["code"] == INTERNAL_ERROR for error in answer.get("errors", ()))


def untold(cause: BaseException) -> tuple[str, dict[str, Any]]:
    """The message and extensions for a failure that is not the client's: its kind, and nothing of what was wrong."""
    if isinstance(cause, AWAY):
        remedy = "Try again in some seconds."
        return "The database does not answer now.", {"code": UNAVAILABLE, "retryable": True, "remedy": remedy}
    return "Internal error. Tell the operator the request id.", {"code": INTERNAL_ERROR}


def _format(error: GraphQLError, request_id: str) -> Formatted:
    told = _told(error)
    if told is None:
        cause = _cause(error)
        log.error("an operation failed", path=error.path, request_id=request_id, exc_info=cause)
        told = untold(cause)
    message, extensions = told
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + "…"
    answer: Formatted = {"message": message}
    if error.locations:
        answer["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    answer["extensions"] = {**extensions, "requestId": request_id}
    return answer


def _told(error: GraphQLError) -> tuple[str, dict[str, Any]] | None:
    """The message and extensions that the client may read; None for a bug."""
    if error.extensions and "code" in error.extensions:
        return error.message, dict(error.extensions)
    cause = _cause(error)
    if isinstance(cause, Refused):
        return cause.message, _refusal(cause)
    if isinstance(cause, StrawberryInputCoercionError):
        return cause.message, {"code": BAD_USER_INPUT}
    # graphql-core raises one class for wrong arguments and for wrong answers of resolvers; the latter quote our values.
    if isinstance(cause, GraphQLError) and cause.message.startswith("Argument "):
        return cause.message, {"code": BAD_USER_INPUT}
    return None


def _cause(error: GraphQLError) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _refusal(refused: Refused) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": refused.code, "retryable": refused.retryable}
    if refused.remedy:
        extensions["remedy"] = refused.remedy
    if refused.path:
        extensions["field"] = refused.path
    if refused.task_id:
        extensions["taskId"] = refused.task_id
    return extensions
