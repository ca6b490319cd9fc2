"""Tortoise's PostgreSQL backend, with transactions that survive cancellation.

Tortoise 1.1.9 leaves a pooled connection acquired for ever when a task is cancelled inside BEGIN, and runs a ROLLBACK
that a cancellation can break off. A client that aborts mutations could empty the pool that way, so the transaction
here gives its connection back, clean, whatever happens. Tortoise loads this module as its "engine".
"""

import asyncio
from collections.abc import Coroutine
from socket import gaierror
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

T = TypeVar("T")

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    ConnectionError,
    FileNotFoundError,
    gaierror,
)
"""What statements raise while the database is away, ending, starting or full, or when it gave up one of two that waited
for each other: the same statement may pass later. (Its socket is no file, or its name no address, while it is away.)
"""


class PooledConnection(Connection):
    """A connection that is not reset when it returns to the pool.

    It saves a round trip per query. What the reset would undo (SET, LISTEN, advisory locks of the session) is not
    done on pooled connections; an open transaction is rolled back all the same.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Nothing to run."""
        return ""

    async def roll_back(self) -> None:
        """End whatever transaction is open, also one whose BEGIN was broken off and may or may not have happened."""
        self._top_xact = None
        await self.execute("ROLLBACK")


class Transaction(TransactionContextPooled):
    """BEGIN ... COMMIT or ROLLBACK on a connection of the pool, which gets it back in every case."""

    __slots__ = ()

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        client = cast(TransactionWrapper, self.client)
        client._connection = await self._pool.acquire()
        self.token = get_connections().set(self.connection_name, client)
        try:
            await client.begin()
        except BaseException:
            get_connections().reset(self.token)
            await unbroken(self._give_back(clean=False))
            raise
        return client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        try:
            await unbroken(self._end(failed=exc_type is not None))
        finally:
            get_connections().reset(self.token)

    @property
    def _pool(self) -> Any:
        return cast(TransactionWrapper, self.client)._parent._pool

    async def _end(self, *, failed: bool) -> None:
        client = cast(TransactionWrapper, self.client)
        clean = client._finalized
        try:
            if not clean and not failed:
                await client.commit()
                clean = True
        finally:
            await self._give_back(clean=clean)

    async def _give_back(self, *, clean: bool) -> None:
        """Release the connection; one that may still be in a transaction is rolled back first, or else closed."""
        connection: Any = cast(TransactionWrapper, self.client)._connection
        try:
            if not clean:
                await connection.roll_back()
        except Exception:  # it is lost, in whichever of asyncpg's ways: the server rolls back what it held
            connection.terminate()
        finally:
            if self._pool:
                await self._pool.release(connection)


class Client(AsyncpgDBClient):
    """The engine's client: made from a DSN, with the transaction above."""

    def _in_transaction(self) -> TransactionContext:
        return Transaction(TransactionWrapper(self), self._pool_init_lock)

    async def create_pool(self, **options: Any) -> Any:
        """A pool from the `dsn` among the credentials, which says host, user and database."""
        for name in ("host", "port", "user", "password", "database", "loop"):
            options.pop(name)
        return await asyncpg.create_pool(options.pop("dsn"), **options)


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end even when this task is cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # seen: the cancellation counts more
        raise cancelled
    return task.result()


client_class = Client
