"""Migrations are applied once, in order, by one process at a time, whatever the database holds."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.connection import get_connection

from models import database
from models.migrate import Migration, MigrationError, migrate, pending, read

FIRST = Migration(1, "first", "CREATE TABLE thing (id serial PRIMARY KEY, name text NOT NULL);")
SECOND = Migration(2, "second", "ALTER TABLE thing ADD COLUMN size integer NOT NULL DEFAULT 7;")


async def rows(url: str, statement: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_what_is_applied_is_recorded_and_not_applied_again(empty_database_url: str) -> None:
    assert await migrate(empty_database_url, [FIRST]) == [FIRST]
    assert await migrate(empty_database_url, [FIRST, SECOND]) == [SECOND]
    assert await migrate(empty_database_url, [FIRST, SECOND]) == []
    assert await rows(empty_database_url, "SELECT number, name, checksum FROM schema_migration ORDER BY number") == [
        {"number": 1, "name": "first", "checksum": FIRST.checksum},
        {"number": 2, "name": "second", "checksum": SECOND.checksum},
    ]


async def test_rows_of_before_are_kept(empty_database_url: str) -> None:
    await migrate(empty_database_url, [FIRST])
    await rows(empty_database_url, "INSERT INTO thing (name) VALUES ('kept')")
    await migrate(empty_database_url, [FIRST, SECOND])
    assert await rows(empty_database_url, "SELECT name, size FROM thing") == [{"name": "kept", "size": 7}]


async def test_of_several_processes_one_migrates(empty_database_url: str) -> None:
    outcomes = await asyncio.gather(*(migrate(empty_database_url, [FIRST, SECOND]) for _ in range(6)))
    assert sorted(map(len, outcomes)) == [0, 0, 0, 0, 0, 2]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    bad = Migration(2, "bad", "CREATE TABLE half (id integer); SELECT 1 / 0;")
    with pytest.raises(MigrationError) as failure:
        await migrate(empty_database_url, [FIRST, bad])
    assert str(failure.value) == "Migration 0002_bad failed and was rolled back: division by zero"
    assert await rows(empty_database_url, "SELECT to_regclass('half') AS half, to_regclass('thing') AS thing") == [
        {"half": None, "thing": "thing"}
    ]
    assert await migrate(empty_database_url, [FIRST, SECOND]) == [SECOND]


async def test_an_applied_file_that_was_changed_is_refused(empty_database_url: str) -> None:
    await migrate(empty_database_url, [FIRST])
    changed = Migration(1, "first", FIRST.text + " ")
    with pytest.raises(MigrationError) as failure:
        await migrate(empty_database_url, [changed, SECOND])
    assert str(failure.value) == (
        "Migration 0001_first was changed after it had been applied: "
        "restore the file as it was, and put the change into a new file."
    )
    assert await migrate(empty_database_url, [FIRST]) == []


async def test_a_database_of_a_newer_version_is_refused(empty_database_url: str) -> None:
    await migrate(empty_database_url, [FIRST, SECOND])
    with pytest.raises(MigrationError, match=r"^The database has migration 0002_second, which this version of Berth"):
        await migrate(empty_database_url, [FIRST])


async def test_readiness_hears_what_is_pending(empty_database_url: str) -> None:
    await database.open(empty_database_url, pool=2)
    try:
        assert await pending(get_connection("default")) == list(read())
        await migrate(empty_database_url)
        assert await pending(get_connection("default")) == []
    finally:
        await database.close()


def test_the_files_of_a_folder_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "0002_b.sql").write_text("b")
    (tmp_path / "0001_a.sql").write_text("a")
    assert read(tmp_path) == (Migration(1, "a", "a"), Migration(2, "b", "b"))


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0001_b.sql"], ["0001_a.sql", "0003_c.sql"]])
def test_a_number_missing_or_there_twice_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(MigrationError, match="is missing or there twice"):
        read(tmp_path)


def test_a_file_with_another_kind_of_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.sql").touch()
    with pytest.raises(MigrationError, match=r"is not named like 0001_what_it_does\.sql"):
        read(tmp_path)
