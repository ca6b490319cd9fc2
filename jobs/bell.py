"""The doorbell: tells workers by the queue that a task is ready. The truth stays in the database, so a lost ring
only costs the time until the next sweep."""

import asyncio
from collections.abc import Iterable

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobs.wire import dumps, loads

QUEUE = "berth:tasks"
_LIMIT = 1.0

log = structlog.get_logger(__name__)


def redis_settings(url: str) -> RedisSettings:
    """How workers and rings reach the queue: short timeouts, and retries that outlive a restart of the server."""
    given = RedisSettings.from_dsn(url)
    given.conn_timeout = 2
    given.conn_retries = 3
    given.retry = Retry(ExponentialBackoff(cap=1, base=0.1), 5)
    given.retry_on_error = [RedisConnectionError, RedisTimeoutError, OSError]
    return given


class Bell:
    """A connection to the queue that may be down. Without an address it is silent, and the sweep finds every task."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: ArqRedis | None = None

    async def ring(self, tasks: Iterable[tuple[str, int]]) -> None:
        """Says that tasks (id and attempt) are ready. Never raises: the sweep finds what was not rung for."""
        if not self._url:
            return
        try:
            async with asyncio.timeout(_LIMIT):
                pool = await self._connected()
                for task_id, attempt in tasks:
                    await pool.enqueue_job("run_task", task_id, _job_id=f"{task_id}:{attempt}")
        except (RedisError, OSError, TimeoutError) as problem:
            log.warning("the queue cannot be rung; workers find the task by their sweep", problem=str(problem))

    async def answers(self) -> bool:
        """Whether the queue's server answers, for readiness."""
        try:
            async with asyncio.timeout(_LIMIT):
                return bool(await (await self._connected()).ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await create_pool(
                redis_settings(self._url), job_serializer=dumps, job_deserializer=loads, default_queue_name=QUEUE
            )
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None


_current: Bell | None = None


def open(url: str) -> Bell:
    """Makes this process's bell; it connects when it is first rung."""
    global _current
    assert _current is None, "the bell is there already"
    _current = Bell(url)
    return _current


async def close() -> None:
    """Lets the queue go; does nothing when there is no bell."""
    global _current
    if _current is not None:
        closing, _current = _current, None
        await closing.close()


def current() -> Bell:
    """The bell of this process."""
    assert _current is not None, "the bell was not opened"
    return _current
