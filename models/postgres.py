"""Tortoise's PostgreSQL backend, with transactions that survive cancellation.

Tortoise 1.1.9 leaves a pooled connection acquired for ever when a task is cancelled inside BEGIN, and begins a
ROLLBACK that a second cancellation can break off. A client that aborts mutations could empty the pool that way, so
the transaction here gives its connection back whatever happens. Tortoise loads this module as its "engine".
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections


class Connection(asyncpg.Connection[asyncpg.Record] if False else asyncpg.Connection):  # placeholder
    pass
