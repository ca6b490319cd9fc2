"""The database of this process: opened once, closed once, and one connection that listens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
from tortoise.context import TortoiseContext

from models.postgres import PooledConnection

STATEMENT_TIMEOUT = 30.0
"""Seconds after which PostgreSQL ends a statement, and a transaction that does nothing."""

_LISTEN_CHECK = 30.0
_LISTEN_RETRY = 1.0

_context: TortoiseContext | None = None


async def open(url: str, pool: int = 20) -> None:
    """Open the pool (at most `pool` connections) and tell Tortoise of the models, for all tasks of the process.

    The address is any that PostgreSQL's own clients understand (`postgresql://user@host/name?sslmode=require`).
    """
    global _context
    assert _context is None, "the database is open already"
    milliseconds = str(int(STATEMENT_TIMEOUT * 1000))
    credentials = {
        "dsn": url,
        "minsize": min(2, pool),
        "maxsize": pool,
        "connection_class": PooledConnection,
        "server_settings": {
            "application_name": "berth",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        },
    }
    context = TortoiseContext()
    with context:
        await context.init(
            config={
                "connections": {"default": {"engine": "models.postgres", "credentials": credentials}},
                "apps": {"models": {"models": ["models"], "default_connection": "default"}},
            },
            # Requests run in tasks that the opening task did not make, so a context variable would not reach them.
            _enable_global_fallback=True,
        )
    _context = context


async def close() -> None:
    """Close the pool; does nothing when it is not open."""
    global _context
    if _context is not None:
        context, _context = _context, None
        await context.close_connections()


@dataclass(frozen=True, slots=True)
class Notification:
    """What PostgreSQL said on a channel. An empty payload means: look at everything, some may have been missed."""

    channel: str
    payload: str


class _Inbox:
    """Notifications that were not read yet; the same one waits once, so a slow reader holds little."""

    def __init__(self) -> None:
        self.waiting: dict[Notification, None] = {}
        self.changed = asyncio.Event()
        self.lost = False

    def put(self, _connection: object, _pid: object, channel: str, payload: object) -> None:
        self.waiting[Notification(channel, str(payload))] = None
        self.changed.set()

    def lose(self, _connection: object) -> None:
        self.lost = True
        self.changed.set()

    def take(self) -> list[Notification]:
        taken = list(self.waiting)
        self.waiting.clear()
        self.changed.clear()
        return taken


async def listen(url: str, channels: Sequence[str]) -> AsyncGenerator[Notification, None]:
    """Follow channels for ever on a connection of its own, connecting again whenever it is lost.

    After each connect one notification with an empty payload comes for each channel.
    """
    while True:
        connection = await _connect(url)
        try:
            inbox = _Inbox()
            connection.add_termination_listener(inbox.lose)
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                for channel in channels:
                    await connection.add_listener(channel, inbox.put)
                    inbox.put(connection, 0, channel, "")
                while not inbox.lost:
                    for notification in inbox.take():
                        yield notification
                    await _wait(connection, inbox)
        finally:
            connection.terminate()


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    while True:
        try:
            return await asyncpg.connect(url, timeout=10, server_settings={"application_name": "berth listen"})
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await asyncio.sleep(_LISTEN_RETRY)


async def _wait(connection: "asyncpg.Connection[asyncpg.Record]", inbox: _Inbox) -> None:
    """Until something came; a silent connection is asked whether it is still there."""
    try:
        async with asyncio.timeout(_LISTEN_CHECK):
            await inbox.changed.wait()
    except TimeoutError:
        await connection.execute("SELECT 1", timeout=5)
