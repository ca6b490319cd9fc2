"""Kubeconfigs, read as data only: nothing in one may run a program, open a file or weaken TLS.

kubernetes-asyncio's own loader does all three, so that a kubeconfig of a user must never reach it.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kube.addresses import is_literal, is_odd, is_public
from kube.errors import AddressRefused, KubeconfigInvalid

SIZE_LIMIT = 256 * 1024
DEPTH_LIMIT = 20
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_REFUSED_CLUSTER = {
    "certificate-authority": "names a file",
    "insecure-skip-tls-verify": "turns off the check of the server's certificate",
    "proxy-url": "sends the connection through a proxy",
}
_REFUSED_USER = {
    "exec": "runs a program",
    "auth-provider": "runs a program",
    "client-certificate": "names a file",
    "client-key": "names a file",
    "tokenFile": "names a file",
    "username": "uses a password, which Kubernetes no longer knows",
    "password": "uses a password, which Kubernetes no longer knows",
    "as": "acts as another user",
    "as-uid": "acts as another user",
    "as-groups": "acts as another user",
    "as-user-extra": "acts as another user",
}


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster and be known there; secrets are kept out of its text form.

    ca: PEM of the authority, None for the system's. token_file: only for in-cluster access, read again as it changes.
    """

    server: str
    ca: str | None = None
    token: str | None = field(default=None, repr=False)
    client_certificate: str | None = field(default=None, repr=False)
    client_key: str | None = field(default=None, repr=False)
    tls_server_name: str | None = None
    allow_private: bool = False
    token_file: Path | None = None


def read(text: str, *, allow_private: bool) -> Access:
    """The access that a kubeconfig's current context gives.

    Raises KubeconfigInvalid with the place and the remedy, AddressRefused for an address that is not public.
    """
    document = load(text)
    cluster_at, cluster, user_at, user = _current(document)
    for key, why in _REFUSED_CLUSTER.items():
        if cluster.get(key):
            raise KubeconfigInvalid(f"The kubeconfig {why} ({key}).", f"{cluster_at}.{key}")
    for key, why in _REFUSED_USER.items():
        if user.get(key):
            raise KubeconfigInvalid(f"The kubeconfig {why} ({key}).", f"{user_at}.{key}")
    server = _server(_text(cluster, "server", cluster_at), f"{cluster_at}.server", allow_private)
    certificate = _data(user, "client-certificate-data", user_at)
    key_data = _data(user, "client-key-data", user_at)
    token = _text(user, "token", user_at, needed=False)
    if (certificate is None) != (key_data is None):
        raise KubeconfigInvalid("A client certificate needs its key, and a key its certificate.", user_at)
    if token is None and certificate is None:
        raise KubeconfigInvalid("The kubeconfig holds neither a token nor a client certificate.", user_at)
    if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
        raise KubeconfigInvalid("The token holds characters that no token has.", f"{user_at}.token")
    return Access(
        server=server,
        ca=_data(cluster, "certificate-authority-data", cluster_at),
        token=token,
        client_certificate=certificate,
        client_key=key_data,
        tls_server_name=_text(cluster, "tls-server-name", cluster_at, needed=False),
        allow_private=allow_private,
    )


def in_cluster(folder: Path = _ACCOUNT) -> Access:
    """The access that Kubernetes gives to the pod that Berth runs in. Raises KubeconfigInvalid outside of one."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (folder / "token").is_file():
        raise KubeconfigInvalid(
            "Berth does not run inside a cluster, or its pod has no service account token.",
            remedy="Give the cluster's kubeconfig instead.",
        )
    address = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{address}:{port}",
        ca=(folder / "ca.crt").read_text(),
        token_file=folder / "token",
        allow_private=True,
    )


def embed(text: str, folder: Path) -> str:
    """The current context of a kubeconfig with its file references replaced by the files' content.

    For the command line on a person's own machine, never for the API: it opens the files that the text names, relative
    to `folder`. Raises KubeconfigInvalid for a file that cannot be read; what else is wrong is left to `read`.
    """
    document = load(text)
    cluster_at, cluster, user_at, user = _current(document)
    for source, key, place in (
        (cluster, "certificate-authority", cluster_at),
        (user, "client-certificate", user_at),
        (user, "client-key", user_at),
    ):
        name = source.pop(key, None)
        if name and not source.get(f"{key}-data"):
            source[f"{key}-data"] = base64.b64encode(_file(folder, name, f"{place}.{key}")).decode()
    name = user.pop("tokenFile", None)
    if name:
        user["token"] = _file(folder, name, f"{user_at}.tokenFile").decode("utf-8", "replace").strip()
    kept = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "context",
    }
    return yaml.safe_dump(kept, sort_keys=False)


def load(text: str) -> dict[str, Any]:
    """The document as plain values; size, depth and aliases are bounded before anything is built."""
    if len(text.encode("utf-8", "replace")) > SIZE_LIMIT:
        raise KubeconfigInvalid(f"The kubeconfig is larger than {SIZE_LIMIT // 1024} KiB.")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise KubeconfigInvalid("The kubeconfig uses a YAML alias, which no kubeconfig needs.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_LIMIT:
                raise KubeconfigInvalid("The kubeconfig is nested too deeply.")
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise KubeconfigInvalid(f"The kubeconfig is not valid YAML{where}.") from error
    if not isinstance(document, dict):
        raise KubeconfigInvalid("The kubeconfig is not a YAML mapping.")
    return document


def _current(document: dict[str, Any]) -> tuple[str, dict[str, Any], str, dict[str, Any]]:
    chosen = document.get("current-context")
    contexts = _list(document, "contexts")
    if not chosen and len(contexts) == 1 and isinstance(contexts[0], dict):
        chosen = contexts[0].get("name")  # the only one there is needs no choosing
    _, context = _named(document, "contexts", "context", chosen, "current-context")
    cluster_at, cluster = _named(document, "clusters", "cluster", context.get("cluster"), "contexts")
    user_at, user = _named(document, "users", "user", context.get("user"), "contexts")
    return cluster_at, cluster, user_at, user


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _named(document: dict[str, Any], group: str, key: str, name: object, named_at: str) -> tuple[str, dict[str, Any]]:
    for number, entry in enumerate(_list(document, group)):
        if isinstance(entry, dict) and name and entry.get("name") == name:
            value = entry.get(key)
            if isinstance(value, dict):
                return f"{group}[{number}].{key}", value
    raise KubeconfigInvalid(f"The kubeconfig's {key} is missing: {named_at} does not name one of its {group}.", group)


def _text(source: dict[str, Any], key: str, place: str, *, needed: bool = True) -> Any:
    value = source.get(key)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value:
        raise KubeconfigInvalid(f"{key} is not a text.", f"{place}.{key}")
    return value


def _data(source: dict[str, Any], key: str, place: str) -> str | None:
    value = source.get(key)
    if not value:
        return None
    try:
        decoded = base64.b64decode(value, validate=True).decode("ascii")
    except (TypeError, ValueError, binascii.Error) as error:
        raise KubeconfigInvalid(f"{key} is not base64 of a PEM text.", f"{place}.{key}") from error
    if "-----BEGIN " not in decoded:
        raise KubeconfigInvalid(f"{key} is not base64 of a PEM text.", f"{place}.{key}")
    return decoded


def _server(server: str, place: str, allow_private: bool) -> str:
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise KubeconfigInvalid("server is not a URL.", place) from error
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise KubeconfigInvalid("server is not an https address.", place)
    if parts.scheme == "http" and not allow_private:
        raise KubeconfigInvalid("server is plain http, which would show the credentials to the network.", place)
    if is_odd(host):
        raise KubeconfigInvalid(f"{host} is not an address as it is usually written.", place)
    if not allow_private and (host.rstrip(".") == "localhost" or (is_literal(host) and not is_public(host))):
        raise AddressRefused(f"{host} is not a public address.", details={"path": place})
    return server.rstrip("/")


def _file(folder: Path, name: object, place: str) -> bytes:
    try:
        return (folder / str(name)).read_bytes()
    except OSError as error:
        raise KubeconfigInvalid(f"{name} cannot be read.", place, "Check the path in the kubeconfig.") from error
