"""The objects of Berth's own stacks are taken by the server, and so are their pods at the strictest level."""

import pytest

from kube.clients import Cluster
from kube.labels import Identity
from kube.manifests import level_of
from kube.resources import WRITTEN
from tests.cluster.dry_runs import judge
from tests.cluster.test_own_catalogue import plan_of


@pytest.mark.parametrize("stack", ["shop", "site"])
async def test_every_object_of_an_own_stack_passes_and_none_is_made(
    cluster: Cluster, owner: Identity, stack: str
) -> None:
    wanted = plan_of(stack, owner.namespace)
    assert level_of(wanted) == "restricted"
    assert await judge(cluster, owner, wanted) > len(wanted.services)
    left = {
        resource.kind
        for resource in WRITTEN
        if [
            item
            for item in (await cluster.request("GET", resource.path(owner.namespace)))["items"]
            if item["metadata"].get("labels", {}).get("berth.dev/service")
        ]
    }
    assert left == set()
