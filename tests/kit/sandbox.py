"""A whole Berth in one process: database, simulated cluster, the API as a viewer, and a drain for what was started."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs import bell
from jobs.runner import Runner
from jobs.worker import KINDS
from kube import namespaces
from kube.clients import MERGE
from kube.clients import Cluster as Client
from live import process
from models import Cluster
from models.keyring import Keyring
from simulator import Simulator
from simulator.kinds import SERVICES
from simulator.state import Speeds
from tests.kit import makers
from tests.kit.client import Api

TOKEN = "simulated"
FAST = Speeds(schedule=0.005, pull=0.005, start=0.005, ready=0.005, init=0.005, stop=0.005)


def kubeconfig(url: str, token: str = TOKEN) -> str:
    """A kubeconfig for an address and a token."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


async def drain(runner: Runner) -> None:
    """Runs what this worker may run, and what that starts, to its end."""
    await runner.idle()
    while await runner.sweep():
        await runner.idle()


@dataclass(slots=True)
class Sandbox:
    """One organization on one simulated cluster, and its owner's API."""

    world: makers.World
    api: Api
    simulator: Simulator
    runner: Runner

    async def drain(self) -> None:
        """Runs what was started, and what that starts, to its end."""
        await drain(self.runner)

    def new_instance(self, name: str = "dev", **more: Any) -> dict[str, Any]:
        """The input of an instance of this world."""
        return {
            "name": name,
            "environmentId": self.world.environment.id,
            "clusterId": self.world.cluster.id,
            **more,
        }

    async def create(self, name: str = "dev", **more: Any) -> str:
        """Creates an instance of the world's app and drains; its id."""
        given = {"appId": self.world.app.id, "instance": self.new_instance(name, **more)}
        made = await self.api.change("createInstance", given, "instance { id } problems { code message }")
        assert made["problems"] == []
        await self.drain()
        return str(made["instance"]["id"])

    async def state(self, id: str) -> str | None:
        """The state of an instance as the API shows it; None when it is gone."""
        found = (await self.api.query("query($id: ID!) { node(id: $id) { ... on Instance { state } } }", id=id))["node"]
        return None if found is None else str(found["state"])

    async def client(self) -> Client:
        """The world's cluster, as any other client reaches it."""
        return await process.current().clusters.of(self.world.cluster.id)

    async def until_gone(self, namespace: str) -> None:
        """Waits until a namespace is gone from the cluster."""
        client = await self.client()
        uid = await namespaces.uid(client, namespace)
        if uid is not None:
            async for _ in namespaces.follow_deletion(client, namespace, uid):
                pass

    async def let_go(self, namespace: str) -> None:
        """Takes the finalizers of a namespace's Services away, as whoever owns them would."""
        client = await self.client()
        for one in self.simulator.store.objects(SERVICES, namespace):
            path = f"/api/v1/namespaces/{namespace}/services/{one['metadata']['name']}"
            body = {"metadata": {"finalizers": None}}
            await client.request("PATCH", path, body=body, content_type=MERGE)


@asynccontextmanager
async def working(database_url: str) -> AsyncIterator[Runner]:
    """A worker with all of its loops."""
    runner = Runner(KINDS)
    await runner.open(database_url)
    try:
        yield runner
    finally:
        await runner.close()


async def attach(cluster: Cluster, url: str) -> None:
    """Makes a cluster's row reach the Kubernetes at this address."""
    cluster.kubeconfig = process.current().keyring.seal(kubeconfig(url), cluster.id)
    cluster.server = url
    cluster.version += 1
    await cluster.save(update_fields=["kubeconfig", "server", "version"])
    cluster.uid = await (await process.current().clusters.of(cluster.id)).uid()
    await cluster.save(update_fields=["uid"])


@pytest.fixture
async def opened_process(opened_database: str, tmp_path: Path) -> AsyncIterator[process.Process]:
    """The shared parts of a process, with a keyring of this test and a bell that nobody hears."""
    bell.open("")
    yield await process.open(Keyring.create(tmp_path / "keyring.json"))
    await process.close()
    await bell.close()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulated cluster whose pods start in milliseconds."""
    async with Simulator(TOKEN, speeds=FAST) as running:
        yield running


@pytest.fixture
async def sandbox(opened_process: process.Process, simulator: Simulator) -> AsyncIterator[Sandbox]:
    """A world with an app of three services, on a simulated cluster."""
    world = await makers.world(None, web={}, worker={}, cache={"scalable": False})
    await attach(world.cluster, simulator.url)
    runner = Runner(KINDS)
    yield Sandbox(world, Api(world.owner), simulator, runner)
    await runner.close()
