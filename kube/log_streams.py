"""One connection that reads a log, and a watch over its silence.

A log has no sign of life: a container may say nothing for days. But some nodes go quiet at a rotation, and a connection
may be dead without anyone knowing. So where nothing has come for a while, the node is asked for its last line.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import aiohttp

from kube.clients import READ_TIMEOUT, Cluster, Query
from kube.errors import KubeError, Unreachable
from kube.log_records import Source
from kube.resources import POD
from settings import settings

_OPENING = 2.0  # seconds for which one that is being opened keeps others waiting
_BUSY = 0.005  # seconds within which the next piece of a busy log comes
_GATHER = 0.025  # seconds for which its lines are left to gather
_GRACE = 1.0  # seconds in which a line that the node has may still come by itself


class _Silence:
    """When something came last."""

    def __init__(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def note(self) -> None:
        self.heard = asyncio.get_running_loop().time()


@asynccontextmanager
async def reading(
    cluster: Cluster, source: Source, query: Query, is_behind: Callable[[], Awaitable[bool]]
) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """Gives what reads the next piece of the log, which is empty at its end.

    is_behind: whether the node has more than what came; then, and when the cluster does not answer that question, a
    connection that follows and is silent breaks. Raises: KubeError, Unreachable for one that broke.
    """
    path = POD.path(source.namespace, source.pod, "log")
    follow = bool(query.get("follow"))
    silence = _Silence()
    async with AsyncExitStack() as stack:
        stream = cluster.stream(path, query=query, silence=None if follow else READ_TIMEOUT)
        response = await _opened(partial(stack.enter_async_context, stream), cluster, is_behind)
        if follow:
            watch = asyncio.create_task(_watch(response, silence, is_behind))
            stack.push_async_callback(_ended, watch)

        clock, busy = asyncio.get_running_loop().time, False

        async def read() -> bytes:
            nonlocal busy
            if busy and follow:
                await _gather(response)
            asked = clock()
            piece = await response.content.readany()
            silence.note()
            busy = clock() - asked < _BUSY
            return piece

        yield read


async def _gather(response: aiohttp.ClientResponse) -> None:
    """Leaves what comes to the kernel for a moment: a node sends line by line, and each would be a turn of its own.

    It is called right after all was read, so that aiohttp does not hold the transport back for a reason of its own.
    """
    transport = response.connection.transport if response.connection is not None else None
    if transport is None or transport.is_closing():
        return
    with suppress(RuntimeError):  # it ended by itself
        transport.pause_reading()
    try:
        await asyncio.sleep(_GATHER)
    finally:
        with suppress(RuntimeError):
            transport.resume_reading()


async def _opened(
    open: Callable[[], Coroutine[None, None, aiohttp.ClientResponse]],
    cluster: Cluster,
    is_behind: Callable[[], Awaitable[bool]],
) -> aiohttp.ClientResponse:
    """Some nodes begin their answer with the first line only, so that opening may take as long as the silence."""
    opening: asyncio.Task[aiohttp.ClientResponse] | None = None
    try:
        async with cluster.pace.opening:
            opening = asyncio.create_task(open())
            await asyncio.wait({opening}, timeout=_OPENING)
        while not opening.done():
            await asyncio.wait({opening}, timeout=settings().log_watchdog)
            if not opening.done() and await _is_lost(is_behind):
                raise Unreachable("The node has lines that do not come.", reason="Silence")
        return opening.result()
    finally:
        if opening is not None and not opening.done():
            await _ended(opening)


async def _watch(response: aiohttp.ClientResponse, silence: _Silence, is_behind: Callable[[], Awaitable[bool]]) -> None:
    """Breaks a connection that is silent although there is something to say."""
    clock, asked = asyncio.get_running_loop().time, silence.heard
    while True:
        await asyncio.sleep(max(silence.heard, asked) + settings().log_watchdog - clock())
        if clock() - silence.heard < settings().log_watchdog:
            continue
        asked = clock()
        if await _is_lost(is_behind):
            await asyncio.sleep(_GRACE)
            if silence.heard < asked:
                response.close()
                return


async def _is_lost(is_behind: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_behind()
    except Unreachable:
        return True
    except KubeError:
        return False  # the node is away, or the pod: the connection will tell


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
