"""What is kept of pods is little, however large they are."""

import gc
import tracemalloc
from contextlib import aclosing
from typing import Any

from kube.clients import Cluster
from kube.labels import INSTANCE, SERVICE, WORKLOAD
from kube.resources import POD
from kube.watch import follow
from live.observed import Observed
from tests.kube.serving import Script, bookmark, event, served, stream

PODS = 300
KEPT = 2_000
"""Bytes at most for each pod: the record, its place, and its version. As a dictionary each would take 70,000."""


def large_pod(number: int) -> dict[str, Any]:
    """A pod of 14 KB, as a real API server sends one."""
    labels = {INSTANCE: f"ins_{number // 10}", SERVICE: "web", WORKLOAD: "web"}
    metadata = {
        "namespace": f"shop-{number // 10}", "name": f"web-{number}", "uid": f"uid-{number}",
        "resourceVersion": str(number + 1), "labels": labels,
        "managedFields": [{"manager": "kubelet", "fieldsV1": {f"f:{field}": {} for field in range(400)}}],
    }  # fmt: skip
    environment = [{"name": f"NAME_{one}", "value": f"value {one} of {number}"} for one in range(120)]
    conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "PodScheduled")]
    statuses = [{"name": f"c{one}", "ready": True, "state": {"running": {}}} for one in range(3)]
    spec = {"containers": [{"name": f"c{one}", "image": "web:1", "env": environment} for one in range(3)]}
    return {"metadata": metadata, "spec": spec, "status": {"conditions": conditions, "containerStatuses": statuses}}


async def test_what_is_kept_of_each_pod_is_little() -> None:
    lines = [event("ADDED", large_pod(number)) for number in range(PODS)]
    assert 14_000 < sum(map(len, lines)) / PODS < 30_000
    async with served(Script(stream(*lines, bookmark("1000", initial=True))).answer) as cluster:
        kept = await _bytes_kept(cluster)
    assert kept / PODS < KEPT


async def _bytes_kept(cluster: Cluster) -> int:
    observed = Observed()
    async with aclosing(follow(cluster, POD)) as changes:
        tracemalloc.start()
        try:
            async for change in changes:
                observed.note(POD.kind, change)
                if change.type == "SYNCED":
                    break
            del change
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
