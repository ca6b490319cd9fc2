"""A simulated cluster whose time the test drives, and a small client that speaks plain HTTP to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator
from tests.simulator.client import TOKEN, Client


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(TOKEN, driven=True) as running:
        await running.advance(0)
        yield running


@pytest.fixture
async def api(sim: Simulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(sim.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield Client(sim, session)


@pytest.fixture
async def shop(api: Client) -> Client:
    """The client, with a namespace `shop` in the cluster."""
    await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    await api.sim.advance(0)
    return api


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "cluster"
