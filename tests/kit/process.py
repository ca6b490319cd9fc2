"""The shared parts of a process, for tests that change something: database, keyring, clusters and bell."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobs import bell
from live import process
from live.process import Process
from models.keyring import Keyring


@pytest.fixture
async def berth(opened_database: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[Process]:
    """What an API process opens when it starts, on the servers of this test."""
    keyring = Keyring.create(tmp_path / "keyring.json")
    bell.open(valkey_url)
    yield await process.open(keyring)
    await process.close()
    await bell.close()
