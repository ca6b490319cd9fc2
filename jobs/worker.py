"""The worker process: arq hears the doorbell, the runner does the work, and losing the queue stops nothing."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from arq.worker import Worker, func
from redis.exceptions import RedisError

from jobs.bell import QUEUE, redis_settings
from jobs.kinds import Kind
from jobs.runner import Runner
from jobs.wire import dumps, loads

log = structlog.get_logger(__name__)

_AGAIN = 2.0


async def run_task(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    """What the queue carries: a task's id. The work itself goes on under the task's lease, not under the queue's."""
    for task_id in args:
        await ctx["runner"].take(task_id)


async def work(kinds: Mapping[str, Kind], database_url: str, redis_url: str) -> None:
    """Runs tasks until SIGTERM or SIGINT, then hands the running ones over. The database must be open."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = Runner(kinds)
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
