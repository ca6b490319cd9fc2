"""A simulated cluster that may be reached on loopback, and an organization that registers it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from live.process import Process
from settings import settings
from simulator.simulator import Simulator
from tests.api.clusters.registering import TOKEN
from tests.kit import makers
from tests.kit.makers import World


@pytest.fixture(autouse=True)
def private_addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The simulator listens on loopback, which an operator must allow."""
    monkeypatch.setenv("BERTH_ALLOW_PRIVATE_CLUSTERS", "true")
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(TOKEN) as running:
        yield running


@pytest.fixture
async def world(berth: Process) -> World:
    return await makers.world("acme")
