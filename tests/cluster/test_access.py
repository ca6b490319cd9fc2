"""Who one is in a cluster, and what one may do there."""

import uuid

import pytest

from kube import namespaces
from kube.check import check
from kube.clients import Cluster
from kube.errors import ClusterChanged
from tests.cluster.conftest import Place


async def test_the_cluster_can_be_worked_with(cluster: Cluster) -> None:
    report = await check(cluster)
    assert report.passed
    assert report.uid == await namespaces.uid(cluster, "kube-system")


async def test_nothing_is_written_to_another_cluster_than_the_one_that_is_meant(place: Place, cluster: Cluster) -> None:
    name = f"other-{uuid.uuid4().hex[:8]}"
    other = await Cluster.open(place.access, uid=str(uuid.uuid4()))
    try:
        with pytest.raises(ClusterChanged):
            await other.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    finally:
        await other.close()
    assert await namespaces.uid(cluster, name) is None
    same = await Cluster.open(place.access, uid=await cluster.uid())
    try:
        await same.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}}, query={"dryRun": "All"})
    finally:
        await same.close()
