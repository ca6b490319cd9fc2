"""Work that ends when the client goes away: no server says so to a handler that does not listen."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

Answer = TypeVar("Answer")


async def until_gone(receive: Receive) -> None:
    """Return when the client has gone; the body has been read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait until it has ended, whatever it ends with."""
    task.cancel()
    await asyncio.wait({task})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Answer]) -> Answer | None:
    """What `work` returns; None when the client went away first, and `work` was cancelled."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(until_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        gone.cancel()
        if not task.done():
            await cancelled(task)
