"""Who one is in a cluster, and what one may do there."""

from kube import namespaces
from kube.check import check
from kube.clients import Cluster


async def test_the_cluster_can_be_worked_with(cluster: Cluster) -> None:
    report = await check(cluster)
    assert report.passed
    assert report.uid == await namespaces.uid(cluster, "kube-system")
