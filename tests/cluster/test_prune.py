"""What is no longer in the inventory goes, and nothing else."""

import pytest

from kube.apply import Item, apply, prune
from kube.clients import Cluster
from kube.errors import NotFound
from kube.labels import Identity
from kube.manifests import holdings, running
from kube.resources import DEPLOYMENT
from tests.kube.plans import talk, web, with_volume


async def test_what_is_not_in_the_new_inventory_is_pruned_but_claims_stay(cluster: Cluster, owner: Identity) -> None:
    everything = await apply(cluster, [*holdings(owner, with_volume(web())), *running(owner, with_volume(web(1)))])
    assert await prune(cluster, owner.namespace, everything, everything) == []
    gone = await prune(cluster, owner.namespace, everything, [])
    assert [(item.kind, item.name) for item in gone] == [
        ("Deployment", "web"),
        ("Service", "web"),
        ("ConfigMap", "web.app"),
        ("ConfigMap", "web.web.env"),
        ("Secret", "web.web.env"),
    ]
    with pytest.raises(NotFound):
        await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))
    assert [i.kind for i in await prune(cluster, owner.namespace, everything, [], claims=True)] == [
        "PersistentVolumeClaim"
    ]


async def test_an_object_made_anew_by_somebody_is_not_pruned(cluster: Cluster, owner: Identity) -> None:
    items = await apply(cluster, holdings(owner, talk()) + holdings(owner, web()))
    old = [Item(item.kind, item.name, "00000000-0000-0000-0000-000000000000") for item in items]
    assert await prune(cluster, owner.namespace, old, []) == []
