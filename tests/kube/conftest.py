"""A simulated cluster and a client of it, for tests of `kube`."""

from collections.abc import AsyncIterator

import pytest

from kube.clients import Cluster, connect
from kube.kubeconfig import Access
from simulator.simulator import Simulator
from simulator.state import Speeds

FAST = Speeds(
    schedule=0.01, pull=0.01, start=0.01, ready=0.01, init=0.01, stop=0.01, backoff=0.01, longest_backoff=0.02
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A cluster whose pods start in 30 ms."""
    async with Simulator("let-me-in", speeds=FAST) as running:
        yield running


@pytest.fixture
async def cluster(simulator: Simulator) -> AsyncIterator[Cluster]:
    async with connect(Access(simulator.url, token="let-me-in", allow_private=True)) as client:
        yield client
