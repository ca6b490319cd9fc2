"""Live logs and statuses as a cluster really tells them."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

from kube.apply import apply
from kube.clients import Cluster
from kube.labels import MANAGED, Identity
from kube.manifests import objects
from kube.resources import POD, WORKLOADS, Resource
from kube.watch import follow
from live.log_events import LogBatch, LogEvent, LogLifecycle, LogSources
from live.log_filter import Filter
from live.logs import Home, Hub, InCluster
from live.observed import Key, Observed, Seen
from models.keyring import Keyring
from tests.kube.plans import plan, talk


async def test_lines_of_replicas_that_come_and_go_are_one_stream(cluster: Cluster, owner: Identity) -> None:
    async def open(_cluster_id: str, namespace: str) -> InCluster:
        return InCluster(cluster, namespace)

    hub = Hub(open, lambda: Keyring("k1", {"k1": b"k" * 32}))
    await apply(cluster, objects(owner, plan(talk(1))))
    told: list[LogEvent] = []
    with hub.stream("usr_1", Home("ins_1", "cls_1", owner.namespace), Filter(), tail=100) as stream:
        async with asyncio.timeout(60):
            while len(_lines(told)) < 5:
                told.append(await stream.viewer.next(30) or told[-1])
            await apply(cluster, objects(owner, plan(talk(2))))
            while {line.source for batch in _batches(told) for line in batch.lines} != {0, 1}:
                told.append(await stream.viewer.next(30) or told[-1])
            await apply(cluster, objects(owner, plan(talk(1))))
            while not any(isinstance(event, LogLifecycle) and event.type == "LEFT" for event in told):
                told.append(await stream.viewer.next(30) or told[-1])
    await hub.close()
    assert isinstance(told[0], LogSources)
    for source in (0, 1):
        lines = [line for batch in _batches(told) for line in batch.lines if line.source == source]
        assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
        numbers = [int(line.message.split()[-1]) for line in lines if "line " in line.message]
        assert all(after == before + 1 for before, after in pairwise(numbers))


def _batches(told: list[LogEvent]) -> list[LogBatch]:
    return [event for event in told if isinstance(event, LogBatch)]


def _lines(told: list[LogEvent]) -> list[str]:
    return [line.message for batch in _batches(told) for line in batch.lines]


async def test_how_a_service_is_follows_its_pods(cluster: Cluster, owner: Identity) -> None:
    observed, changed = Observed(), asyncio.Event()

    async def feed(resource: Resource) -> None:
        async with aclosing(follow(cluster, resource, namespace=owner.namespace, labels=MANAGED)) as changes:
            async for change in changes:
                observed.note(resource.kind, change)
                changed.set()

    tasks = [asyncio.create_task(feed(resource)) for resource in (*WORKLOADS, POD)]
    key: Key = (owner.namespace, owner.instance_id, "talk")
    try:
        async with asyncio.timeout(60):
            for replicas in (1, 2):
                await apply(cluster, objects(owner, plan(talk(replicas))))
                seen: dict[Key, Seen] = {}
                while seen.get(key) != Seen(replicas, replicas):
                    await changed.wait()
                    changed.clear()
                    seen |= observed.take()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
