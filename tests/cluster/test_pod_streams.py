"""Pods as those who look at them are told, while they come, are replaced, fail and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity
from kube.manifests import objects
from kube.pod_states import PodState
from kube.resources import DEPLOYMENT
from live.pods import PodHub, PodsChanged, PodsSnapshot, Watcher
from tests.cluster.rollouts import failure, roll_out
from tests.kube.plans import plan, web


class Screen:
    """What somebody sees who takes in all that is told."""

    def __init__(self, watcher: Watcher) -> None:
        self.pods: dict[str, PodState] = {}
        self._watcher = watcher

    async def take(self) -> None:
        event = await self._watcher.next(30)
        if isinstance(event, PodsSnapshot):
            self.pods = {pod.uid: pod for pod in event.pods}
        elif isinstance(event, PodsChanged):
            self.pods |= {pod.uid: pod for pod in event.changed}
            for uid in event.removed:
                self.pods.pop(uid, None)

    async def until(self, ready: int, other: int = 0) -> None:
        """Until so many pods are ready, and so many are not."""
        async with asyncio.timeout(60):
            while sorted(pod.ready for pod in self.pods.values()) != [False] * other + [True] * ready:
                await self.take()


@pytest.fixture
async def hub(cluster: Cluster) -> AsyncIterator[PodHub]:
    async def opened(_: str) -> Cluster:
        return cluster

    made = PodHub(opened)
    yield made
    await made.close()


@asynccontextmanager
async def looking(hub: PodHub, owner: Identity) -> AsyncIterator[Screen]:
    with hub.watching(("cls_1", owner.namespace)) as watcher:
        yield Screen(watcher)


async def test_pods_are_told_as_they_come_and_go(cluster: Cluster, owner: Identity, hub: PodHub) -> None:
    async with looking(hub, owner) as screen:
        await screen.take()
        assert screen.pods == {}
        await roll_out(cluster, owner, plan(web(2)))
        await screen.until(2)
        for pod in screen.pods.values():
            [container] = pod.containers
            assert (pod.service, pod.phase, pod.reason, pod.terminating) == ("web", "RUNNING", "", False)
            assert (container.name, container.state, container.ready, container.restarts) == ("web", "RUNNING", True, 0)
            assert (pod.node != "", container.since is not None, container.exit_code) == (True, True, None)
        async with looking(hub, owner) as second:
            await second.take()
            assert second.pods == screen.pods
        await roll_out(cluster, owner, plan(web(1)))
        await screen.until(1)
        await cluster.request("DELETE", DEPLOYMENT.path(owner.namespace, "web"))
        await screen.until(0)


async def test_what_is_wrong_is_told_in_kubernetes_words(cluster: Cluster, owner: Identity, hub: PodHub) -> None:
    await apply(cluster, objects(owner, plan(web(1))))
    async with looking(hub, owner) as screen:
        await screen.until(1)
        await failure(cluster, owner, plan(web(1, image="registry.local/nope:1")))
        await screen.until(1, other=1)
        async with asyncio.timeout(30):
            while True:
                [broken] = [pod for pod in screen.pods.values() if not pod.ready]
                if broken.reason in ("ErrImagePull", "ImagePullBackOff"):
                    break
                await screen.take()
        [container] = broken.containers
        assert (broken.phase, container.state) == ("PENDING", "WAITING")
        assert "registry.local/nope:1" in container.message
