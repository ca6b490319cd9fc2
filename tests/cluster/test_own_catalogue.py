"""Berth's own stacks run on any cluster: applied, rolled out, read, removed. A real one needs their images."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from catalogue import own
from catalogue.release import InstancePlan
from kube import namespaces, rollout
from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity
from kube.log_records import Line, Source
from kube.manifests import objects
from kube.pods import Containers
from kube.tail import Tail
from tests.catalogue.made import FACTS, planned


def plan_of(stack: str, namespace: str) -> InstancePlan:
    documents = own.documents()
    services = {text.file.split("/")[-2]: text.text for text in documents if text.kind == "service"}
    text = next(text.text for text in documents if text.kind == "stack" and text.file.split("/")[-2] == stack)
    made = planned(text, services, replace(FACTS, namespace=namespace))
    return InstancePlan("shop", "dev", namespace, tuple(made.values()))


async def first_source(cluster: Cluster, namespace: str, service: str) -> tuple[Containers, Source]:
    containers = Containers(cluster, namespace, service)
    async with aclosing(containers.events()) as events:
        async for event in events:
            if event.type == "JOINED" and event.source is not None:
                return containers, event.source
    raise AssertionError("events do not end")


@pytest.mark.parametrize(("stack", "workloads"), [("shop", 5), ("site", 2)])
async def test_an_own_stack_is_rolled_out_talks_and_goes(
    cluster: Cluster, owner: Identity, stack: str, workloads: int
) -> None:
    wanted = plan_of(stack, owner.namespace)
    await apply(cluster, objects(owner, wanted))
    ready: dict[str, tuple[int, int]] = {}
    async for step in rollout.follow(cluster, owner.namespace, wanted, deadline=60):
        ready[step.workload] = step.ready, step.desired
    assert len(ready) == workloads
    assert all(there == desired for there, desired in ready.values())
    containers, source = await first_source(cluster, owner.namespace, "log-writer")
    lines: list[str] = []
    tail = Tail(cluster, source, lambda: containers.standing(source))
    async with asyncio.timeout(30), aclosing(tail.records()) as records:
        async for batch in records:
            lines += [record.message for record in batch if isinstance(record, Line)]
            if len(lines) >= 3:
                break
    assert lines[0] != ""
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.delete(cluster, owner.namespace, uid)
    async for _ in namespaces.follow_deletion(cluster, owner.namespace, uid):
        pass
    assert await namespaces.uid(cluster, owner.namespace) is None
