"""A worker's status writer, for tests of what it writes."""

from collections.abc import AsyncIterator

import pytest

from live import process
from live.events import bells
from live.status import StatusWriter
from settings import settings
from tests.kit.sandbox import Sandbox


@pytest.fixture
async def writer(sandbox: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StatusWriter]:
    """The status writer of a worker that never waits long."""
    for name in ("STATUS_LOOK", "STATUS_FLUSH", "STATUS_TOUCH", "CLUSTER_PROBE", "BREAKER_FIRST", "BREAKER_MOST"):
        monkeypatch.setenv(f"BERTH_{name}", "0.05")
    settings.cache_clear()
    bells.open(database_url)
    writing = StatusWriter(process.current())
    writing.open(database_url)
    yield writing
    await writing.close()
    await bells.close()
    monkeypatch.undo()
    settings.cache_clear()
