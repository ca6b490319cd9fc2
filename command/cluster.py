"""Registering clusters from the operator's own machine."""

import os
from pathlib import Path

from command.ending import give_up
from command.first import organization_id
from command.remote import Remote, RemoteError
from kube.errors import KubeError
from kube.kubeconfig import embed


def embedded_kubeconfig(path: Path) -> str:
    """A kubeconfig's current context with the files that it names put into it.

    Raises:
        RemoteError: it or a file that it names cannot be read.
    """
    try:
        return embed(path.read_text(), path.absolute().parent)
    except OSError as error:
        raise RemoteError(f"{path} cannot be read: {error.strerror}.") from None
    except KubeError as error:
        raise RemoteError(str(error)) from None


def current_kubeconfig() -> Path | None:
    """The file that KUBECONFIG names, the first of several; None when it names none."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else None


def register(remote: Remote, name: str, kubeconfig: Path, organization: str) -> None:
    """Send a kubeconfig, files embedded, and print the cluster that was found behind it."""
    try:
        given = {
            "organizationId": organization_id(remote, organization),
            "name": name,
            "kubeconfig": embedded_kubeconfig(kubeconfig),
        }
        made = remote.change("registerCluster", given, "cluster { id server kubernetesVersion state }")["cluster"]
    except RemoteError as error:
        give_up(error)
    print(f"{made['id']}  {name}  {made['server']}  Kubernetes {made['kubernetesVersion']}  {made['state']}")
