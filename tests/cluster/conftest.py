"""The clusters of the contract: the simulator always, and a real one when BERTH_TEST_KUBECONFIG names its kubeconfig.

With BERTH_TEST_MACHINE and BERTH_TEST_ETCD, which `make test-cluster` sets, the real one's API server can be restarted,
and its past forgotten, as well.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from kube import namespaces
from kube.clients import Cluster, connect
from kube.kubeconfig import Access, embed, read
from kube.labels import Identity
from kube.manifests import namespace
from simulator.simulator import Simulator
from simulator.state import Speeds
from tests.kit.gate import alone
from tests.kube.plans import identity
from tests.machine.control import ask

FAST = Speeds(0.01, 0.01, 0.01, ready=0.01, init=0.01, stop=0.01, backoff=0.01, longest_backoff=0.02)
TOKEN = "let-me-in"
REAL = os.environ.get("BERTH_TEST_KUBECONFIG", "")
MACHINE = os.environ.get("BERTH_TEST_MACHINE", "")
ETCD = os.environ.get("BERTH_TEST_ETCD", "")
# What only a real cluster can show is collected where there is one.
collect_ignore = [] if REAL else ["real"]
if not os.environ.get("BERTH_MANIFESTS"):
    collect_ignore.append("test_published_dry_runs.py")

Restart = Callable[[], Awaitable[None]]
Compact = Callable[[], Awaitable[None]]
NEEDS = {"restart": MACHINE, "compact": ETCD}
"""What disturbs everybody else on the same cluster, and what it takes on a real one."""


@dataclass(frozen=True)
class Place:
    """A running cluster: how one is known there with all rights, how its API server is restarted, and how every version
    so far is made too old."""

    access: Access
    restart: Restart
    compact: Compact


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs every test that needs a cluster on each there is; those that disturb it, where that can be done."""
    if "place" in metafunc.fixturenames:
        real = REAL and all(NEEDS[name] for name in NEEDS.keys() & set(metafunc.fixturenames))
        metafunc.parametrize("place", ["simulator", "real"] if real else ["simulator"], indirect=True)


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "real":
        with alone(bool(NEEDS.keys() & set(request.fixturenames))):
            yield Place(_access(), _restart_real, _compact_real)
        return
    data = tmp_path / "cluster" if "restart" in request.fixturenames else None
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(_simulated(data))

        async def restart() -> None:
            port = int(simulator.url.rpartition(":")[2])
            await stack.aclose()
            await stack.enter_async_context(_simulated(data, port))

        async def compact() -> None:
            simulator.compact()

        yield Place(Access(simulator.url, token=TOKEN, allow_private=True), restart, compact)


def _simulated(data: Path | None, port: int = 0) -> Simulator:
    made = Simulator(TOKEN, speeds=FAST, data=data, port=port)
    made.behave("*nope*", pull="not found")
    return made


def _access() -> Access:
    file = Path(REAL)
    return read(embed(file.read_text(), file.parent), allow_private=True)


async def _restart_real() -> None:
    """Returns when the API server answers again."""
    await asyncio.to_thread(ask, "restart-api-server")


async def _compact_real() -> None:
    """Asks etcd, as the API server itself does every five minutes."""
    async with aiohttp.ClientSession(ETCD) as etcd:
        async with etcd.post("/v3/kv/range", json={"key": "AA=="}) as answer:
            revision = (await answer.json())["header"]["revision"]
        async with etcd.post("/v3/kv/compaction", json={"revision": revision, "physical": True}) as answer:
            assert answer.status == 200


@pytest.fixture
async def cluster(place: Place) -> AsyncIterator[Cluster]:
    """A client of one of the clusters, with all rights in it."""
    async with connect(place.access) as client:
        yield client


@pytest.fixture
def restart(place: Place) -> Restart:
    """Restarts the API server: what was written stays, what was open ends."""
    return place.restart


@pytest.fixture
def compact(place: Place) -> Compact:
    """Makes every version so far too old to list at."""
    return place.compact


@pytest.fixture
async def owner(cluster: Cluster) -> AsyncIterator[Identity]:
    """An instance's identity; its namespace is there, and removed afterwards."""
    made = identity(f"contract-{uuid.uuid4().hex[:8]}")
    uid = await namespaces.create(cluster, namespace(made))
    yield made
    await namespaces.delete(cluster, made.namespace, uid)


@pytest.fixture
async def as_account(place: Place, owner: Identity) -> AsyncIterator[Callable[[str], Awaitable[Cluster]]]:
    """Makes clients that are known by a service account's token and by nothing else."""
    async with AsyncExitStack() as stack:

        async def known_by(token: str) -> Cluster:
            access = replace(place.access, token=token, client_certificate=None, client_key=None)
            return await stack.enter_async_context(connect(access))

        yield known_by
