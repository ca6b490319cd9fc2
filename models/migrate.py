"""Numbered SQL files, applied in order, once, by one process at a time."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient

FOLDER = Path(__file__).parent.parent / "migrations"

_LOCK = int.from_bytes(b"berth-mg", "big") >> 1
"""Key of the advisory lock: a number that no other program is likely to have chosen."""

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(Exception):
    """The database and the migration files do not fit together; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `0001_the_tables.sql`."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text: an applied file must never change."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


@cache
def read(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations of a folder, in order.

    Raises:
        MigrationError: a file is not called `0001_what_it_does.sql`, or a number is missing or used twice.
    """
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path} is not named like 0001_what_it_does.sql; rename it.")
        found.append(Migration(int(match[1]), match[2], path.read_text()))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(
                f"Migration {expected:04} is missing or there twice in {folder}; number the files anew."
            )
    return tuple(found)


async def migrate(url: str, migrations: Iterable[Migration] | None = None) -> list[Migration]:
    """Apply what is pending, each file in a transaction of its own, and return what was applied.

    Safe to run from several processes at once: an advisory lock lets one through, and the others find nothing to do.

    Raises:
        MigrationError: an applied file was changed, the database is newer than this program, or a file fails.
    """
    known = read() if migrations is None else tuple(migrations)
    connection = await asyncpg.connect(url, server_settings={"statement_timeout": "0", "lock_timeout": "0"})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT number, name, checksum FROM schema_migration")
        applied = {row["number"]: (row["name"], row["checksum"]) for row in rows}
        _compare(known, applied)
        todo = [migration for migration in known if migration.number not in applied]
        for migration in todo:
            await _apply(connection, migration)
        return todo
    finally:
        await connection.close()


async def pending(connection: BaseDBAsyncClient) -> list[Migration]:
    """The migrations of this program that the database lacks: readiness asks for it."""
    table = await connection.execute_query_dict("SELECT to_regclass('schema_migration') IS NOT NULL AS there")
    if not table[0]["there"]:
        return list(read())
    rows = await connection.execute_query_dict("SELECT number FROM schema_migration")
    applied = {row["number"] for row in rows}
    return [migration for migration in read() if migration.number not in applied]


def _compare(known: tuple[Migration, ...], applied: dict[int, tuple[str, str]]) -> None:
    files = {migration.number: migration for migration in known}
    for number, (name, checksum) in sorted(applied.items()):
        if number not in files:
            raise MigrationError(
                f"The database has migration {number:04}_{name}, which this version of Berth does not know: "
                "run the version that made it, or a newer one."
            )
        if files[number].checksum != checksum:
            raise MigrationError(
                f"Migration {files[number]} was changed after it had been applied: "
                "restore the file as it was, and put the change into a new file."
            )


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"Migration {migration} failed and was rolled back: {error}") from error
