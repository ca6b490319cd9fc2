"""Servers that are not what a cluster should be, each over a real socket on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from tests.kit.waiting import until

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """`connected` counts the connections, `asked` the requests it has read."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.url = ""
        self.connected = 0
        self.asked = 0
        self._reply = reply

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                if self._reply is not None:
                    await self._reply(writer)
                    break
        writer.close()

    async def has_been_asked(self) -> None:
        """Waits for the first request."""

        async def asked() -> bool:
            return self.asked > 0

        await until(asked, True)


@asynccontextmanager
async def replying(reply: Reply | None, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that replies to a request by this, and ends the connection; with a context it speaks TLS."""
    made = Server(reply)
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0, ssl=context)
    made.url = f"http{'s' if context else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


@asynccontextmanager
async def silent() -> AsyncIterator[Server]:
    """A server that accepts connections, reads requests and never answers."""
    async with replying(None) as made:
        yield made


@asynccontextmanager
async def saying(text: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that answers every request with these bytes."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    async with replying(reply, context) as made:
        yield made


def http(status: str, body: str, kind: str = "text/html", **headers: str) -> bytes:
    """An answer in HTTP."""
    said = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n{body}".encode()
