"""Who asks: the one token that may do everything, or the token of a service account.

A service account's token holds its name, its UID and its end, signed; none is kept, and each ends with its account.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Any

import orjson

from simulator import errors
from simulator.clock import SECOND, stamp
from simulator.kinds import ACCOUNTS, SECRETS, Object
from simulator.state import State

TOKEN_TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
MASTERS, AUTHENTICATED = "system:masters", "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is known to the cluster."""

    name: str
    groups: tuple[str, ...]
    uid: str = ""


ADMIN = User("simulator", (MASTERS, AUTHENTICATED))


def known(state: State, header: str | None) -> User:
    """Who the Authorization header says it is. Raises 401."""
    if not state.token or header == f"Bearer {state.token}":
        return ADMIN
    claims = _read(state, (header or "").removeprefix("Bearer "))
    namespace, name = str(claims.get("namespace")), str(claims.get("name"))
    account = state.store.get(ACCOUNTS, namespace, name)
    ends, secret = claims.get("ends"), claims.get("secret")
    late = ends is not None and ends <= state.clock.now()
    if account is None or account.obj["metadata"]["uid"] != claims.get("uid") or late:
        raise errors.unauthorized()
    if secret is not None and state.store.get(SECRETS, namespace, secret) is None:
        raise errors.unauthorized()
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, str(claims["uid"]))


def token_request(state: State, namespace: str, name: str, body: Object) -> Object:
    """Answers a TokenRequest. Raises 404 without the account, 422 for a time that is too short."""
    meta = state.cluster.find(ACCOUNTS, namespace, name).obj["metadata"]
    spec = body.get("spec") or {}
    seconds = int(spec.get("expirationSeconds") or 3600)
    if seconds < 600:
        why = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        cause = {"reason": "FieldValueInvalid", "message": why, "field": "spec.expirationSeconds"}
        details = {"name": name, "group": "authentication.k8s.io", "kind": "TokenRequest", "causes": [cause]}
        message = f'TokenRequest.authentication.k8s.io "{name}" is invalid: spec.expirationSeconds: {why}'
        raise errors.StatusError(422, "Invalid", message, details)
    ends = state.clock.now() + seconds * SECOND
    status = {"token": token(state, meta, ends=ends), "expirationTimestamp": stamp(ends)}
    shown = {"audiences": spec.get("audiences") or ["https://kubernetes.default.svc"], "expirationSeconds": seconds}
    return {
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": state.clock.stamp()},
        "spec": shown, "status": status,
    }  # fmt: skip


def token(state: State, account: Object, *, ends: int | None = None, secret: str | None = None) -> str:
    """A token of the account with this metadata, up to a time, or as long as a secret is there."""
    claims = {"namespace": account["namespace"], "name": account["name"], "uid": account["uid"]}
    claims |= {"ends": ends} if ends is not None else {}
    claims |= {"secret": secret} if secret is not None else {}
    body = _text(orjson.dumps(claims))
    return f"{body}.{_text(_signature(state, body))}"


def _read(state: State, given: str) -> dict[str, Any]:
    body, _, signature = given.partition(".")
    if not hmac.compare_digest(_text(_signature(state, body)), signature):
        raise errors.unauthorized()
    try:
        claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        raise errors.unauthorized() from None
    return claims


def _signature(state: State, body: str) -> bytes:
    return hmac.digest(state.token.encode(), body.encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
