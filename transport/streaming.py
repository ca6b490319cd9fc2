"""Server-sent events: the protocol of graphql-sse, distinct connections mode."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from resolvers.session import Ending, Session
from transport.bodies import EVENT_STREAM
from transport.disconnects import cancelled, until_gone
from transport.errors import Formatted
from transport.operations import StreamFailed
from transport.service import TransportLimits

HEADERS = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    # Proxies that gather a response before they pass it on would hold every event back.
    (b"x-accel-buffering", b"no"),
]
SIGN_OF_LIFE = b":\n\n"


@dataclass(frozen=True, slots=True)
class Form:
    """How answers become bytes. `sign` is sent now and then so that the connection is not taken for dead."""

    headers: Sequence[tuple[bytes, bytes]]
    sign: bytes
    one: Callable[[str], bytes]
    complete: bytes = b""


def _next(answer: str) -> bytes:
    # JSON has no line break outside its texts, and inside them it is escaped: one line of data holds all of it.
    return b"event: next\ndata: " + answer.encode() + b"\n\n"


GRAPHQL_SSE = Form(HEADERS, SIGN_OF_LIFE, _next, b"event: complete\ndata:\n\n")


class EventStream:
    """A response that sends each answer as an event until they end, the client goes, or the stream must end.

    A stream that must end has a moment to say why, as its last event. One that does not sends no `complete`: to the
    client that is a lost connection, and it comes back.
    """

    def __init__(
        self,
        answers: AsyncGenerator[str, None],
        limits: TransportLimits,
        session: Session,
        *must_end: Callable[[], Coroutine[Any, Any, Ending]],
        form: Form = GRAPHQL_SSE,
    ) -> None:
        """Each of `must_end` returns when the stream must end: the process is about to, or the token is revoked."""
        self._form = form
        self._answers = answers
        self._limits = limits
        self._session = session
        self._must_end = must_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._form.headers})
        await _send(send, self._form.sign)
        events = asyncio.create_task(self._send_events(send))
        gone = asyncio.create_task(until_gone(receive))
        signs = asyncio.create_task(self._send_signs(send))
        endings = [asyncio.create_task(end()) for end in self._must_end]
        try:
            await asyncio.wait({events, gone, *endings}, return_when=asyncio.FIRST_COMPLETED)
            for ending in endings:
                if ending.done() and not events.done():
                    self._session.end(ending.result())
                    await asyncio.wait({events, gone}, timeout=self._limits.farewell)
            if events.done():
                events.result()
        finally:
            for task in (events, gone, signs, *endings):
                await cancelled(task)
        with suppress(TimeoutError):  # a client that does not read cannot be told of the end
            async with asyncio.timeout(self._limits.farewell):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_signs(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._limits.heartbeat)
            await _send(send, self._form.sign)

    async def _send_events(self, send: Send) -> None:
        try:
            async with aclosing(self._answers) as answers:
                async for answer in answers:
                    await _send(send, self._form.one(answer))
        except StreamFailed as failure:
            await _send(send, self._form.one(orjson.dumps({"errors": failure.errors}).decode()))
        await _send(send, self._form.complete)


async def one_answer(answer: Formatted) -> AsyncGenerator[str, None]:
    """An answer that is complete at once, as a stream."""
    yield orjson.dumps(answer).decode()


async def _send(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
