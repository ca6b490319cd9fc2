"""Whether a cluster's controllers work again: after their API server was away, each comes back in its own time."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from kube.clients import Cluster, connect
from kube.errors import KubeError, NotFound
from kube.kubeconfig import embed, read
from kube.resources import DEPLOYMENT, NAMESPACE, RESOURCE_QUOTA, SERVICE_ACCOUNT, STATEFUL_SET

WITHIN = 180.0
_LABELS = {"app": "none"}
_WORKLOAD = {
    "replicas": 0,
    "selector": {"matchLabels": _LABELS},
    "template": {"metadata": {"labels": _LABELS}, "spec": {"containers": [{"name": "none", "image": "none"}]}},
}


def wait_until_settled(kubeconfig: Path) -> None:
    """Waits until accounts, quotas, workloads and the ends of namespaces are seen to; at most three minutes."""
    access = read(embed(kubeconfig.read_text(), kubeconfig.parent), allow_private=True)

    async def ask() -> None:
        async with asyncio.timeout(WITHIN), connect(access) as cluster:
            await _try(cluster, f"settled-{uuid.uuid4().hex[:8]}")

    asyncio.run(ask())


async def _try(cluster: Cluster, name: str) -> None:
    made: list[tuple[str, dict[str, Any]]] = [
        (NAMESPACE.path(), {"metadata": {"name": name}}),
        (RESOURCE_QUOTA.path(name), {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "1"}}}),
        (DEPLOYMENT.path(name), {"metadata": {"name": "none"}, "spec": _WORKLOAD}),
        (STATEFUL_SET.path(name), {"metadata": {"name": "none"}, "spec": {**_WORKLOAD, "serviceName": "none"}}),
    ]
    for path, body in made:
        await cluster.request("POST", path, body=body, repeatable=True)
    await _until(cluster, SERVICE_ACCOUNT.path(name, "default"), ())
    await _until(cluster, RESOURCE_QUOTA.path(name, "none"), ("status", "hard"))
    for resource in (DEPLOYMENT, STATEFUL_SET):
        await _until(cluster, resource.path(name, "none"), ("status", "observedGeneration"))
    await cluster.request("DELETE", NAMESPACE.path(name=name), repeatable=True)
    while True:
        try:
            await cluster.request("GET", NAMESPACE.path(name=name))
        except NotFound:
            return
        await asyncio.sleep(0.2)


async def _until(cluster: Cluster, path: str, field: tuple[str, ...]) -> None:
    while True:
        try:
            found: Any = await cluster.request("GET", path)
            for name in field:
                found = found.get(name) or {}
            if found:
                return
        except KubeError:
            pass
        await asyncio.sleep(0.2)
