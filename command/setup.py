"""The first start of an installation that has its servers: an owner, the catalogue, an environment, a cluster."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from command.cluster import embedded_kubeconfig
from command.ending import give_up
from command.first import ClusterAccess, First
from command.owner import owned
from command.remote import Remote, RemoteError
from settings import settings


@dataclass(frozen=True, slots=True)
class Setup:
    """What to set up. `server` replaces the address in the kubeconfig, which a node writes for itself."""

    url: str
    kubeconfig: Path
    token_file: Path
    server: str = ""
    organization: str = "main"
    email: str = "owner@berth.example"
    cluster: str = "main"


def setup(wanted: Setup, shown_url: str) -> None:
    """Make what is missing, keep the token in a file of mode 0600, and print the way in."""
    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of Berth's database.")
    known = wanted.token_file.read_text().strip() if wanted.token_file.exists() else ""
    try:
        organization, token = owned(wanted.url, settings().database_url, known, wanted.email, wanted.organization)
        if token != known:
            _keep(wanted.token_file, token)
        access = ClusterAccess(wanted.cluster, _kubeconfig(wanted))
        First(organization, access).make(Remote(wanted.url, token))
    except RemoteError as error:
        give_up(error)
    print(f"GraphiQL: {shown_url or wanted.url}#token={token}")


def _kubeconfig(wanted: Setup) -> str:
    text = embedded_kubeconfig(wanted.kubeconfig)
    if not wanted.server:
        return text
    document = yaml.safe_load(text)
    document["clusters"][0]["cluster"]["server"] = wanted.server
    return yaml.safe_dump(document, sort_keys=False)


def _keep(path: Path, token: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{token}\n")
