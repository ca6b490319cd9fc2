"""Service accounts with the role that Berth prints for them."""

import yaml

from kube import role
from kube.clients import Cluster
from kube.resources import SERVICE_ACCOUNT

RBAC = "/apis/rbac.authorization.k8s.io/v1"


async def account(cluster: Cluster, namespace: str, name: str) -> str:
    """Makes an account that has the role, of its own name, and no other; a token of it that ends in an hour."""
    await cluster.request("POST", SERVICE_ACCOUNT.path(namespace), body={"metadata": {"name": name}})
    made = yaml.safe_load_all(role.manifest(f"system:serviceaccount:{namespace}:{name}", name))
    for collection, body in zip(("clusterroles", "clusterrolebindings"), made, strict=True):
        await cluster.request("POST", f"{RBAC}/{collection}", body=body)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = await cluster.request("POST", SERVICE_ACCOUNT.path(namespace, name, "token"), body=asked)
    return str(answer["status"]["token"])


async def forget(cluster: Cluster, name: str) -> None:
    """Takes the role and its binding away, which no namespace does when it goes."""
    for collection in ("clusterroles", "clusterrolebindings"):
        await cluster.request("DELETE", f"{RBAC}/{collection}/{name}")
