"""What only a real cluster can show, through a whole installation in processes of its own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import Postgres, Valkey
from tests.kit import servers
from tests.kit.gate import alone
from tests.kit.installation import Installation

FIRST = Path(os.environ["BERTH_TEST_KUBECONFIG"])


@pytest.fixture(autouse=True)
def gate() -> Iterator[None]:
    """Nobody restarts the cluster's API server meanwhile."""
    with alone(exclusive=False):
        yield


@pytest.fixture(scope="module")
def berth(
    postgres: Postgres, template: str, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation for the tests of one file."""
    folder = tmp_path_factory.mktemp("berth")
    name = f"real_{folder.name.replace('-', '_')}"
    asyncio.run(servers.execute(postgres.dsn(), f"CREATE DATABASE {name} TEMPLATE {template}"))
    with Installation(postgres.dsn(name), valkey.url(), folder) as running:
        yield running


@pytest.fixture(scope="module")
def first(berth: Installation) -> str:
    """The id of the real cluster."""
    return berth.cluster("first", FIRST)
