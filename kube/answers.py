"""From what came back, or failed to come back, to an error of `kube.errors`."""

import re
import ssl
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import ClientResponseError

from kube import errors

_OWNER = re.compile(r'conflict with "(?P<manager>[^"]+)"')
_LONGEST = 600
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNEXPECTED_MESSAGE",
    "PACKET_LENGTH_TOO_LONG",
}
_OTHER_NAME = (
    "Use an address that the certificate names, or give one of its names as tls-server-name in the kubeconfig."
)
_CERTIFICATES = {
    9: "Set the clocks of the cluster and of Berth right, or wait until the certificate is valid.",
    10: "Renew the certificate of the cluster's API server.",
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""Remedies by OpenSSL's codes: not yet valid, expired, another host, another IP address."""


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object, or NotKubernetes for anything else."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise errors.NotKubernetes("The answer is not a Kubernetes object.")
    return value


def from_response(status: int, headers: Mapping[str, str], body: bytes, about: str) -> errors.KubeError:
    """The error for a response outside 2xx; `about` names the call in messages ("PATCH /api/v1/...")."""
    if 300 <= status < 400:
        return errors.NotKubernetes(f"{about} was answered with a redirect, which is not followed.", status=status)
    try:
        answer = parse(body)
    except errors.NotKubernetes:
        answer = {}
    if answer.get("kind") != "Status":
        answer = {}
    return from_status(answer, status, about, headers.get("Retry-After"))


def from_status(
    answer: Mapping[str, Any], status: int = 0, about: str = "", retry_after: str | None = None
) -> errors.KubeError:
    """The error that a Kubernetes Status stands for, whether it came as a response or inside a watch."""
    status = status or int(answer.get("code") or 0)
    reason = str(answer.get("reason") or "")
    message = str(answer.get("message") or f"{about} was answered with status {status}.")[:_LONGEST]
    details: dict[str, Any] = {}
    causes = (answer.get("details") or {}).get("causes") or []
    if causes:
        details["causes"] = [
            {key: str(cause.get(key, "")) for key in ("reason", "field", "message")} for cause in causes[:20]
        ]
    kind = _kind(status, reason, message, {str(cause.get("reason")) for cause in causes})
    if kind is errors.Conflict:
        details["owners"] = _owners(causes)
    seconds = str(retry_after or (answer.get("details") or {}).get("retryAfterSeconds") or "")
    if seconds.isdigit():
        details["retry_after"] = float(seconds)
    if kind is errors.Unauthorized:
        message = "The cluster does not accept the credentials."
    return kind(message, status=status, reason=reason, details=details)


def from_exception(error: Exception, about: str) -> errors.KubeError:
    """The error for a call that got no whole answer: aiohttp's errors, time-outs and those of the system."""
    cause: BaseException | None = error
    while cause is not None:  # aiohttp wraps what the resolver and the TLS layer raised
        if isinstance(cause, errors.KubeError):
            return cause
        # aiohttp's own classes of these errors lack what the errors themselves say.
        if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_code"):
            return _refused_certificate(cause)
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) in _NOT_TLS:
            return errors.NotKubernetes("The server does not speak TLS, though its address begins with https.")
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    if isinstance(error, TimeoutError):
        return errors.Unreachable("The cluster did not answer in time", about, reason="Timeout")
    if isinstance(error, ClientResponseError):
        return errors.NotKubernetes("What the server sends is not HTTP.")
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return errors.Unreachable(f"The cluster could not be reached: {why}"[:_LONGEST], about, reason="Connection")


def _refused_certificate(cause: ssl.SSLCertVerificationError) -> errors.CertificateRefused:
    why = cause.verify_message.removesuffix(".")
    remedy = _CERTIFICATES.get(cause.verify_code, errors.CertificateRefused.remedy)
    return errors.CertificateRefused(f"The server's certificate was refused: {why}.", remedy=remedy)


def _kind(status: int, reason: str, message: str, causes: set[str]) -> type[errors.KubeError]:
    if "NamespaceTerminating" in causes or "because it is being terminated" in message:
        return errors.NamespaceTerminating
    if status == 403:
        if "exceeded quota" in message:
            return errors.QuotaExceeded
        if "violates PodSecurity" in message or "admission webhook" in message or "denied request" in message:
            return errors.PolicyDenied
        return errors.Forbidden
    if status == 500 and "failed to create typed patch object" in message:
        return errors.Invalid  # what an apply's schema refuses is no fault of the server, whatever it calls it
    if status == 409:
        return errors.AlreadyExists if reason == "AlreadyExists" else errors.Conflict
    known: dict[int, type[errors.KubeError]] = {
        400: errors.PolicyDenied if "admission webhook" in message else errors.Invalid,
        401: errors.Unauthorized,
        404: errors.NotFound,
        410: errors.Gone,
        413: errors.Invalid,
        422: errors.Invalid,
        429: errors.Throttled,
    }
    if status in known:
        return known[status]
    return errors.ServerFault if status >= 500 else errors.KubeError


def _owners(causes: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    owners = []
    for cause in causes:
        if cause.get("reason") == "FieldManagerConflict":
            match = _OWNER.search(str(cause.get("message", "")))
            owners.append({"manager": match["manager"] if match else "", "field": str(cause.get("field", ""))})
    return owners
