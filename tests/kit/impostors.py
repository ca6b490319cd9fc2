"""Servers that are not what a cluster should be, each over a real socket on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.kit.waiting import until


class Silent:
    """Accepts connections and never answers; `connected` counts these, `asked` the requests it has read."""

    def __init__(self) -> None:
        self.url = ""
        self.connected = 0
        self.asked = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
        writer.close()

    async def has_been_asked(self) -> None:
        """Waits for the first request."""

        async def asked() -> bool:
            return self.asked > 0

        await until(asked, True)


@asynccontextmanager
async def silent() -> AsyncIterator[Silent]:
    """Such a server for the length of a block."""
    made = Silent()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
