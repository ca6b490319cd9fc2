"""The real servers of a test run: one PostgreSQL and one Valkey per xdist worker, one database per test."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from embedded import Postgres, Valkey
from models import database
from models.migrate import migrate

TEMPLATE = "berth_template"

_numbers = itertools.count(1)


async def execute(url: str, statement: str) -> None:
    """One statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for the servers of this run, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="berth-test-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[Postgres]:
    """A running PostgreSQL."""
    server = Postgres(server_folder / "postgres", fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a database in which all migrations were applied, to copy from."""

    async def prepare() -> None:
        await execute(postgres.dsn(), f"CREATE DATABASE {TEMPLATE}")
        await migrate(postgres.dsn(TEMPLATE))

    asyncio.run(prepare())
    return TEMPLATE


@pytest.fixture(scope="session")
def valkey(server_folder: Path) -> Iterator[Valkey]:
    """A running Valkey."""
    server = Valkey(server_folder / "valkey", fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def empty_database_url(postgres: Postgres) -> AsyncIterator[str]:
    """The address of a database of this test alone, without any table."""
    name = f"empty_{next(_numbers)}"
    await execute(postgres.dsn(), f"CREATE DATABASE {name}")
    yield postgres.dsn(name)
    await execute(postgres.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """The address of a database of this test alone, migrated and empty of rows."""
    name = f"test_{next(_numbers)}"
    await execute(postgres.dsn(), f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.dsn(name)
    await execute(postgres.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def opened_database(database_url: str) -> AsyncIterator[str]:
    """The test's database, opened for the models in this process; its address."""
    await database.open(database_url, pool=10)
    yield database_url
    await database.close()


@pytest.fixture
async def valkey_url(valkey: Valkey) -> str:
    """The address of a Valkey that holds nothing: tests of one worker run one after another, so one number does."""
    url = valkey.url()
    async with Redis.from_url(url) as client:
        await client.flushall()
    return url
