"""Server-sent events: the protocol of graphql-sse, distinct connections mode."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from starlette.types import Receive, Scope, Send

from transport.bodies import EVENT_STREAM
from transport.disconnects import cancelled, until_gone
from transport.errors import Formatted
from transport.operations import StreamFailed
from transport.shutdown import Shutdown

HEADERS = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    # Proxies that gather a response before they pass it on would hold every event back.
    (b"x-accel-buffering", b"no"),
]
COMPLETE = b"event: complete\ndata:\n\n"
SIGN_OF_LIFE = b":\n\n"


class EventStream:
    """A response that sends each answer as an event until they end, the client goes, or the process is about to end.

    A stream that ends with the process sends no `complete`: to the client that is a lost connection, and it comes back.
    """

    def __init__(self, answers: AsyncGenerator[Formatted, None], shutdown: Shutdown, heartbeat: float) -> None:
        self._answers = answers
        self._shutdown = shutdown
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _send(send, SIGN_OF_LIFE)
        events = asyncio.create_task(self._send_events(send))
        ends = [asyncio.create_task(until_gone(receive)), asyncio.create_task(self._shutdown.wait())]
        waiting = {events, *ends}
        try:
            while not await _any_done(waiting, self._heartbeat):
                await _send(send, SIGN_OF_LIFE)
            if events.done():
                events.result()
        finally:
            for task in waiting:
                await cancelled(task)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        try:
            async with aclosing(self._answers) as answers:
                async for answer in answers:
                    await _send(send, _next(answer))
        except StreamFailed as failure:
            await _send(send, _next({"errors": failure.errors}))
        await _send(send, COMPLETE)


async def one_answer(answer: Formatted) -> AsyncGenerator[Formatted, None]:
    """An answer that is complete at once, as a stream."""
    yield answer


async def _any_done(tasks: set[asyncio.Task[None]], timeout: float) -> bool:
    done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def _next(answer: Formatted) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n"


async def _send(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
