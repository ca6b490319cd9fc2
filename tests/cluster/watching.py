"""One watch, read event by event as the server sends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from kube.clients import Cluster

Event = tuple[str, dict[str, Any]]


class Events:
    """The events of an open watch."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self, seconds: float = 20) -> Event:
        """The next event's type and object."""
        async with asyncio.timeout(seconds):
            line = await self._answer.content.readline()
        assert line, "the watch has ended"
        event = orjson.loads(line)
        return event["type"], event["object"]

    async def names(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the object of so many events."""
        events = [await self.next() for _ in range(count)]
        return [(kind, found["metadata"]["name"]) for kind, found in events]

    async def rest(self, seconds: float = 20) -> list[Event]:
        """The events up to the end of the watch, which must be a clean one."""
        async with asyncio.timeout(seconds):
            lines = (await self._answer.content.read()).splitlines()
        return [(event["type"], event["object"]) for event in map(orjson.loads, lines)]


@asynccontextmanager
async def watching(
    cluster: Cluster, path: str, *, accept: str = "application/json", **query: str | int | bool
) -> AsyncIterator[Events]:
    """An open watch of a collection. Raises what the server answers instead of one."""
    async with cluster.stream(path, query={"watch": True, **query}, accept=accept) as answer:
        yield Events(answer)
