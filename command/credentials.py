"""A service account with exactly the role that Berth needs, for clusters whose own kubeconfig runs a program.

The account is made with kubectl, which may run that program: it is the operator's own, on the operator's own machine.
"""

import base64
import json
import subprocess
import time
from typing import Any

import yaml

from command.ending import give_up
from kube import role
from kube.role import LABELS

_WAIT = 20.0


def objects(namespace: str, name: str) -> list[dict[str, Any]]:
    """The namespace, the account, its role, the binding, and a token that does not end."""
    own = {"name": name, "namespace": namespace, "labels": LABELS}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": LABELS}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": own},
        role.role(name),
        role.binding(f"system:serviceaccount:{namespace}:{name}", name),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": own | {"annotations": {"kubernetes.io/service-account.name": name}},
        },
    ]


def manifest(namespace: str, name: str) -> str:
    """The objects as YAML, to be read and applied by hand."""
    return yaml.safe_dump_all(objects(namespace, name), sort_keys=False)


def make(namespace: str, name: str, context: str) -> str:
    """Apply the objects with kubectl in its current context, or the named one, and return the account's kubeconfig."""
    chosen = ["--context", context] if context else []
    _kubectl(chosen, "apply", "-f", "-", given=manifest(namespace, name))
    view = json.loads(_kubectl(chosen, "config", "view", "--minify", "--flatten", "--output=json"))
    cluster = view["clusters"][0]["cluster"]
    deadline = time.monotonic() + _WAIT
    while True:
        data = json.loads(_kubectl(chosen, "get", "secret", name, "--namespace", namespace, "--output=json")).get(
            "data"
        )
        if data and "token" in data:
            break
        if time.monotonic() > deadline:
            give_up(f"The cluster did not fill the secret {namespace}/{name} with a token.")
        time.sleep(0.5)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": base64.b64decode(data["token"]).decode()}}],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": name}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _kubectl(chosen: list[str], *arguments: str, given: str | None = None) -> str:
    try:
        done = subprocess.run(["kubectl", *chosen, *arguments], input=given, capture_output=True, text=True)
    except FileNotFoundError:
        give_up("kubectl is not installed; `berth cluster credentials --manifest` prints what it would apply.")
    if done.returncode != 0:
        give_up(f"kubectl {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
