"""A way to a server that can be cut: every connection at once, and none new until it is mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """Passes connections on to a port of this machine, or to a socket in its files."""

    def __init__(self, to: int | str) -> None:
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self.whole = True

    def cut(self) -> None:
        """Breaks off every connection."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            return writer.transport.abort()
        if isinstance(self._to, str):
            there_reader, there_writer = await asyncio.open_unix_connection(self._to)
        else:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, there_writer}
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        self._open -= {writer, there_writer}
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxied(to: int | str) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy of a port or a socket, and the port at which it listens."""
    proxy = Proxy(to)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        proxy.cut()
        server.close()
        await server.wait_closed()
