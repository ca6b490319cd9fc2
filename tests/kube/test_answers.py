"""Every answer of a cluster has one kind, and every kind a sentence and a remedy."""

from typing import Any

import orjson
import pytest

from kube import errors
from kube.answers import from_exception, from_response, from_status


def status(code: int, reason: str = "", message: str = "why", **details: Any) -> bytes:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    return orjson.dumps(body)


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (400, status(400, "BadRequest"), errors.Invalid),
        (401, status(401, "Unauthorized"), errors.Unauthorized),
        (403, status(403, "Forbidden"), errors.Forbidden),
        (403, status(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: q'), errors.QuotaExceeded),
        (403, status(403, "Forbidden", 'pods "x" is forbidden: violates PodSecurity "baseline"'), errors.PolicyDenied),
        (403, status(403, "Forbidden", causes=[{"reason": "NamespaceTerminating"}]), errors.NamespaceTerminating),
        (404, status(404, "NotFound"), errors.NotFound),
        (409, status(409, "AlreadyExists"), errors.AlreadyExists),
        (409, status(409, "Conflict"), errors.Conflict),
        (410, status(410, "Expired"), errors.Gone),
        (422, status(422, "Invalid"), errors.Invalid),
        (429, status(429, "TooManyRequests"), errors.Throttled),
        (500, status(500, "InternalError"), errors.ServerFault),
        (503, b"not json", errors.ServerFault),
        (302, b"", errors.NotKubernetes),
        (418, b"teapot", errors.KubeError),
    ],
)
def test_each_answer_has_its_kind(code: int, body: bytes, kind: type[errors.KubeError]) -> None:
    error = from_response(code, {}, body, "GET /x")
    assert type(error) is kind
    assert error.status == code
    assert error.message != ""
    assert error.remedy != ""


def test_a_conflict_names_the_owners_of_fields() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit" using v1', "field": ".data.a"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "argocd" using v1', "field": ".data.b"},
    ]
    error = from_response(409, {}, status(409, "Conflict", causes=causes), "PATCH /x")
    assert isinstance(error, errors.Conflict)
    assert error.owners == [
        {"manager": "kubectl-edit", "field": ".data.a"},
        {"manager": "argocd", "field": ".data.b"},
    ]


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({}, {"retryAfterSeconds": 3}, 3.0),
        ({}, {}, 1.0),
        ({"Retry-After": "x"}, {}, 1.0),
    ],
)
def test_throttling_says_how_long_to_wait(headers: dict[str, str], details: dict[str, Any], seconds: float) -> None:
    error = from_response(429, headers, status(429, **details), "GET /x")
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == seconds


def test_a_status_inside_a_watch_has_its_kind_too() -> None:
    assert type(from_status({"code": 410, "reason": "Expired", "message": "too old"})) is errors.Gone


def test_what_got_no_answer_is_unreachable() -> None:
    assert from_exception(TimeoutError(), "GET /x").message == "The cluster did not answer in time (GET /x)."
    error = from_exception(ConnectionRefusedError(111, "Connection refused"), "GET /x")
    assert (type(error), error.retryable) == (errors.Unreachable, True)
    assert error.message == "The cluster could not be reached: Connection refused (GET /x)."
