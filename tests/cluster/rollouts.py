"""Plans applied and followed to their end, good or bad."""

from typing import Any

import pytest

from catalogue.release import InstancePlan
from kube import rollout
from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity
from kube.manifests import objects


async def roll_out(
    cluster: Cluster, owner: Identity, wanted: InstancePlan, **options: Any
) -> list[tuple[str, int, int]]:
    """Applies the plan and follows it; (workload, ready, desired) of each step."""
    await apply(cluster, objects(owner, wanted))
    told = rollout.follow(cluster, owner.namespace, wanted, **options)
    return [(step.workload, step.ready, step.desired) async for step in told]


async def failure(cluster: Cluster, owner: Identity, wanted: InstancePlan, **options: Any) -> rollout.RolloutFailed:
    with pytest.raises(rollout.RolloutFailed) as failed:
        await roll_out(cluster, owner, wanted, **options)
    return failed.value
