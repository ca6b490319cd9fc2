"""Containers as they come, restart and go; and the whole way to their lines in a simulated cluster."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity, labels
from kube.log_records import Line, Source
from kube.manifests import Need, foundation, namespace, service_objects
from kube.namespaces import create
from kube.pods import ContainerEvent, Containers
from kube.resources import POD
from kube.tail import Tail
from simulator.simulator import Simulator
from tests.kube.plans import identity, talk, web


@pytest.fixture
async def owner(cluster: Cluster) -> Identity:
    made = identity()
    await create(cluster, namespace(made))
    await apply(cluster, foundation(made, Need()))
    return made


@pytest.fixture
async def events(cluster: Cluster, owner: Identity) -> AsyncIterator[AsyncGenerator[ContainerEvent, None]]:
    async with aclosing(Containers(cluster, owner.namespace).events()) as stream:
        yield stream


async def until(events: AsyncGenerator[ContainerEvent, None], kind: str) -> ContainerEvent:
    """The next event of this type; a test that waits for one that never comes fails."""
    async with asyncio.timeout(10):
        async for event in events:
            if event.type == kind:
                return event
    raise AssertionError("events do not end")


def annotated(service: Any, **options: str) -> Any:
    return replace(service, annotations=tuple((f"simulator/{key}", value) for key, value in options.items()))


async def test_a_container_joins_once_and_leaves_with_its_pod(
    cluster: Cluster, owner: Identity, events: AsyncGenerator[ContainerEvent, None]
) -> None:
    assert (await anext(events)).type == "SYNCED"
    await apply(cluster, service_objects(owner, talk()))
    joined = await anext(events)
    assert (joined.type, joined.service, joined.fresh, joined.restarts) == ("JOINED", "talk", True, 0)
    assert joined.source is not None
    assert (joined.source.pod, joined.source.container) == ("talk-0", "talk")
    await cluster.request("DELETE", f"/api/v1/namespaces/{owner.namespace}/pods/talk-0")
    assert (await until(events, "LEFT")).source == joined.source
    again = await until(events, "JOINED")
    assert again.source is not None
    assert again.source.pod == "talk-0"
    assert again.source.pod_uid != joined.source.pod_uid


async def test_a_container_that_was_there_is_not_fresh(cluster: Cluster, owner: Identity) -> None:
    containers = Containers(cluster, owner.namespace, "talk")
    await apply(cluster, service_objects(owner, talk()) + service_objects(owner, web()))
    async with aclosing(containers.events()) as stream:
        await until(stream, "JOINED")
    async with aclosing(Containers(cluster, owner.namespace, "talk").events()) as stream:
        first, second = await anext(stream), await anext(stream)
    assert [(first.type, first.service, first.fresh), second.type] == [("JOINED", "talk", False), "SYNCED"]


async def test_a_restart_tells_how_the_run_before_it_ended(
    cluster: Cluster, owner: Identity, events: AsyncGenerator[ContainerEvent, None]
) -> None:
    await apply(cluster, service_objects(owner, annotated(talk(), exit="7", after="0.01")))
    joined = await until(events, "JOINED")
    restarted = await until(events, "RESTARTED")
    assert (restarted.exit_code, restarted.reason, restarted.restarts) == (7, "Error", 1)
    assert restarted.source is not None
    assert joined.source is not None
    assert restarted.source.container_id != joined.source.container_id


async def test_a_run_that_ends_says_how(
    cluster: Cluster, owner: Identity, events: AsyncGenerator[ContainerEvent, None]
) -> None:
    behaviour = {"simulator/exit": "7", "simulator/after": "0.01"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "once", "labels": labels(owner), "annotations": behaviour},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x:1"}]},
    }
    await cluster.request("POST", POD.path(owner.namespace), body=pod)
    joined, ended = await until(events, "JOINED"), await until(events, "ENDED")
    assert (ended.source, ended.exit_code, ended.reason) == (joined.source, 7, "Error")


async def test_a_container_that_does_not_start_says_why_once(
    cluster: Cluster, owner: Identity, events: AsyncGenerator[ContainerEvent, None]
) -> None:
    await apply(cluster, service_objects(owner, annotated(talk(), pull="not found")))
    reasons = [(await until(events, "WAITING")).reason for _ in range(2)]
    assert reasons == ["ErrImagePull", "ImagePullBackOff"]


async def test_lines_survive_every_cut_of_their_stream(simulator: Simulator, cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, service_objects(owner, annotated(talk(), rate="1000", line="line {n}")))
    containers = Containers(cluster, owner.namespace)
    found: asyncio.Future[Source] = asyncio.get_running_loop().create_future()

    async def watch() -> None:
        async with aclosing(containers.events()) as stream:
            found.set_result((await until(stream, "JOINED")).source)  # type: ignore[arg-type]
            async for _ in stream:
                pass

    async with asyncio.timeout(10):
        watching = asyncio.create_task(watch())
        source = await found
        numbers: list[int] = []
        made = Tail(cluster, source, lambda: containers.standing(source))
        async with aclosing(made.records()) as records:
            async for batch in records:
                before = len(numbers) // 100
                lines = [record.message for record in batch if isinstance(record, Line)]
                assert len(lines) == len(batch)
                numbers += [int(line.split()[1]) for line in lines if line.startswith("line ")]
                if len(numbers) // 100 > before:
                    simulator.cut("abort" if before % 2 else "clean")
                if len(numbers) > 500:
                    break
        watching.cancel()
    assert numbers == list(range(1, len(numbers) + 1))
