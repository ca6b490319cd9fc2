"""Collections that are followed."""

import asyncio
from contextlib import aclosing

from kube.apply import apply
from kube.clients import MERGE, Cluster
from kube.labels import MANAGED, Identity
from kube.manifests import running
from kube.resources import DEPLOYMENT
from kube.watch import follow
from tests.kube.plans import web


async def test_a_collection_is_followed_from_what_is_there(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, running(owner, web()))
    path = DEPLOYMENT.path(owner.namespace, "web")
    seen: list[str] = []
    stream = follow(cluster, DEPLOYMENT, namespace=owner.namespace, labels=MANAGED)
    async with asyncio.timeout(20), aclosing(stream) as changes:
        async for change in changes:
            marked = change.object.get("metadata", {}).get("labels", {}).get("mark") == "1"
            if change.type == "SYNCED":
                await cluster.request("PATCH", path, body={"metadata": {"labels": {"mark": "1"}}}, content_type=MERGE)
            elif change.type == "MODIFIED" and marked and "MODIFIED" not in seen:
                await cluster.request("DELETE", path)
            elif change.type == "MODIFIED":
                continue  # the controllers' own
            seen.append(change.type)
            if change.type == "DELETED":
                break
    assert seen == ["ADDED", "SYNCED", "MODIFIED", "DELETED"]
