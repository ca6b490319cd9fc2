"""The worker process: arq hears the doorbell, the runner does the work, and losing the queue stops nothing."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

import structlog
from arq.worker import Worker, func
from redis.exceptions import RedisError

import reporting
from jobs.bell import QUEUE, redis_settings
from jobs.create_instance import CREATE
from jobs.delete_app import DELETE_APP
from jobs.delete_instance import DELETE, FORCE_DELETE
from jobs.deploy import DEPLOY
from jobs.runner import Runner
from jobs.upgrade_stack import UPGRADE
from jobs.wire import dumps, loads
from live import process
from live.status import StatusWriter
from models import database
from models.keyring import Keyring
from settings import settings

log = structlog.get_logger(__name__)

KINDS = {kind.name: kind for kind in (CREATE, DEPLOY, UPGRADE, DELETE, FORCE_DELETE, DELETE_APP)}
"""Every kind of task there is."""

_AGAIN = 2.0


async def run_task(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    """What the queue carries: a task's id. The work itself goes on under the task's lease, not under the queue's."""
    for task_id in args:
        await ctx["runner"].take(task_id)


def run() -> None:
    """The worker of this machine's settings. Raises: KeyringError, and OSError when the database does not answer."""
    asyncio.run(work())


async def work() -> None:
    """Runs tasks until SIGTERM or SIGINT, then hands the running ones over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    chosen = settings()
    reporting.configure(chosen)
    assert chosen.keyring is not None, "the command line asks for a keyring"
    await database.open(chosen.database_url, chosen.database_pool)
    try:
        shared = await process.open(Keyring.load(chosen.keyring))
        statuses = StatusWriter(shared)
        statuses.open(chosen.database_url)
        process.settle_memory()
        try:
            await _serve(Runner(KINDS), chosen.database_url, chosen.redis_url, stop)
        finally:
            await statuses.close()
    finally:
        await process.close()
        await database.close()


async def _serve(runner: Runner, database_url: str, redis_url: str, stop: asyncio.Event) -> None:
    await runner.open(database_url)
    listening = asyncio.create_task(_hear(runner, redis_url))
    log.info("the worker is ready", worker=runner.name)
    try:
        await stop.wait()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await runner.close()


async def _hear(runner: Runner, redis_url: str) -> None:
    """Answers the doorbell, for ever: a queue that is away is tried again, and the sweep goes on meanwhile."""
    while True:
        worker = Worker(
            functions=[func(run_task, name="run_task", keep_result=0, timeout=10, max_tries=3)],
            queue_name=QUEUE,
            redis_settings=redis_settings(redis_url),
            ctx={"runner": runner},
            handle_signals=False,
            poll_delay=0.05,
            max_jobs=100,
            health_check_interval=30,
            job_serializer=dumps,
            job_deserializer=loads,
        )
        try:
            await worker.async_run()
        except (RedisError, OSError, TimeoutError) as problem:
            log.warning("the queue is away; tasks are found by the sweep", problem=str(problem))
        finally:
            with suppress(RedisError, OSError, RuntimeError):
                await worker.close()
        await asyncio.sleep(_AGAIN)
