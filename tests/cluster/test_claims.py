"""Claims on any cluster: what may still be changed once they are made, told by a dry run."""

import asyncio
from typing import Any

import pytest

from kube.apply import apply, rehearse
from kube.clients import APPLY, MERGE, Cluster
from kube.errors import Forbidden, Invalid, KubeError
from kube.labels import Identity
from kube.manifests import holdings
from kube.resources import CLAIM, STORAGE_CLASS
from kube.storage import classes
from tests.kube.plans import talk, with_volume


def claim(owner: Identity, size: int = 5, **volume: Any) -> list[dict[str, Any]]:
    return holdings(owner, with_volume(talk(), size=size, **volume))


async def bound(cluster: Cluster, owner: Identity) -> None:
    async with asyncio.timeout(30):
        while (await cluster.request("GET", CLAIM.path(owner.namespace, "talk-data")))["status"]["phase"] != "Bound":
            await asyncio.sleep(0.02)


async def test_the_default_class_is_known(cluster: Cluster) -> None:
    found = await classes(cluster)
    assert found.default == "standard"
    assert "standard" in found.names


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"size": 2}, Invalid, "less than"),
        ({"storage_class": "other"}, Invalid, "immutable"),
        ({"shared": True}, Invalid, "immutable"),
    ],
    ids=["smaller", "of another class", "shared"],
)
async def test_a_claim_cannot_become_another(
    cluster: Cluster, owner: Identity, change: dict[str, Any], error: type[KubeError], words: str
) -> None:
    await apply(cluster, claim(owner))
    await bound(cluster, owner)
    with pytest.raises(error, match=words) as refused:
        await rehearse(cluster, claim(owner, **change))
    assert refused.value.details["object"] == "PersistentVolumeClaim/talk-data"


async def test_a_claim_grows_only_where_its_class_allows_it(cluster: Cluster, owner: Identity) -> None:
    name = f"{owner.namespace}-fixed"
    fixed = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
    }
    path = STORAGE_CLASS.path(name=name)
    query = {"fieldManager": "test"}
    await cluster.request("PATCH", path, query=query, body=fixed, content_type=APPLY)
    try:
        await apply(cluster, claim(owner, storage_class=name))
        status = {"status": {"phase": "Bound", "capacity": {"storage": "5Gi"}}}
        at = CLAIM.path(owner.namespace, "talk-data", "status")
        await cluster.request("PATCH", at, body=status, content_type=MERGE)
        with pytest.raises(Forbidden, match="must support resize"):
            await rehearse(cluster, claim(owner, 7, storage_class=name))
        grows = {"allowVolumeExpansion": True}
        await cluster.request("PATCH", path, body=grows, content_type=MERGE)
        [judged] = await rehearse(cluster, claim(owner, 7, storage_class=name))
        assert (judged.kind, judged.name) == ("PersistentVolumeClaim", "talk-data")
    finally:
        await cluster.request("DELETE", path)
