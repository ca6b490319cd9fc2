"""A client of graphql-transport-ws that speaks in frames, and the small contract behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.transport.serving import Served, listening, served

PROTOCOL = Subprotocol("graphql-transport-ws")
INIT = {"type": "connection_init", "payload": {"token": "good"}}


class Socket:
    """A client that speaks in frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, frame: Any) -> None:
        await self._connection.send(frame if isinstance(frame, str | bytes) else orjson.dumps(frame).decode())

    async def receive(self) -> Any:
        frame = await asyncio.wait_for(self._connection.recv(), 20)
        assert isinstance(frame, str), "browsers' clients need text frames"
        return orjson.loads(frame)

    async def ask(self, frame: Any) -> Any:
        await self.send(frame)
        return await self.receive()

    async def subscribe(self, operation_id: str, query: str, **payload: Any) -> None:
        await self.send({"id": operation_id, "type": "subscribe", "payload": {"query": query, **payload}})

    async def closed(self) -> tuple[int, str]:
        with suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(self._connection.recv(), 20)
        return self._connection.close_code or 0, self._connection.close_reason or ""


@asynccontextmanager
async def socket(made: Served | None = None, *, init: bool = True, protocol: str = PROTOCOL) -> AsyncIterator[Socket]:
    made = made or served()
    async with listening(made.app) as port:
        address = f"ws://127.0.0.1:{port}/graphql"
        async with connect(address, subprotocols=[Subprotocol(protocol)]) as connection:
            client = Socket(connection)
            if init:
                assert await client.ask(INIT) == {"type": "connection_ack"}
            yield client
