"""The database, as commands reach it."""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg import InterfaceError, PostgresError
from tortoise.exceptions import BaseORMException

from command.ending import give_up


@contextmanager
def database_told() -> Iterator[None]:
    """End the program with a sentence when the database does not answer, or refuses what is asked of it."""
    try:
        yield
    except OSError as error:
        give_up(f"The database does not answer: {error}. Check DATABASE_URL, and that the server runs.")
    except (PostgresError, InterfaceError, BaseORMException) as error:
        give_up(f"The database refuses: {error}. Check DATABASE_URL, and that `berth migrate` was run.")
