"""The clusters of the contract: the simulator always, a real one where BERTH_TEST_KUBECONFIG names its kubeconfig."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kube import namespaces
from kube.clients import Cluster, connect
from kube.kubeconfig import Access, embed, read
from kube.labels import Identity
from kube.manifests import namespace
from simulator.simulator import Simulator
from simulator.state import Speeds
from tests.kube.plans import identity

FAST = Speeds(0.01, 0.01, 0.01, ready=0.01, init=0.01, stop=0.01, backoff=0.01, longest_backoff=0.02)
REAL = os.environ.get("BERTH_TEST_KUBECONFIG", "")
# What only a real cluster can show is collected where there is one.
collect_ignore = [] if REAL else ["real"]


def _real() -> Access:
    file = Path(REAL)
    return read(embed(file.read_text(), file.parent), allow_private=True)


@pytest.fixture(params=["simulator", "real"] if REAL else ["simulator"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """A client of one of the clusters, with all rights in it."""
    if request.param == "real":
        async with connect(_real()) as client:
            yield client
        return
    async with Simulator("let-me-in", speeds=FAST) as running:
        running.behave("*nope*", pull="not found")
        async with connect(Access(running.url, token="let-me-in", allow_private=True)) as client:
            yield client


@pytest.fixture
async def owner(cluster: Cluster) -> AsyncIterator[Identity]:
    """An instance's identity; its namespace is there, and removed afterwards."""
    made = identity(f"contract-{uuid.uuid4().hex[:8]}")
    uid = await namespaces.create(cluster, namespace(made))
    yield made
    await namespaces.delete(cluster, made.namespace, uid)
