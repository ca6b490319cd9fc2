"""Rollouts that come to a good end."""

from kube.clients import Cluster
from kube.labels import Identity
from tests.cluster.rollouts import roll_out
from tests.kube.plans import plan


async def test_a_rollout_is_told_in_numbers_to_its_end(cluster: Cluster, owner: Identity) -> None:
    steps = await roll_out(cluster, owner, plan())
    assert steps[-1][1] == steps[-1][2]
    assert {step[:2] for step in steps} >= {("web", 3), ("talk", 1)}
    assert await roll_out(cluster, owner, plan()) == [("web", 3, 3), ("talk", 1, 1)]
