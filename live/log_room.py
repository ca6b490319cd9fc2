"""How many logs of one cluster are read at once, by this process: so many in all, and so many of one node.

Each log that is followed takes one of the few file watches that a node has, and one connection of the API server.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from settings import settings


class Room:
    """full: called when there is none left, before anyone waits: it may let go of what nobody watches."""

    def __init__(self, full: Callable[[], None]) -> None:
        self._full = full
        self._taken = 0
        self._nodes: Counter[str] = Counter()
        self._waiting: set[asyncio.Event] = set()

    @asynccontextmanager
    async def place(self, node: str, held: Callable[[str, str], None]) -> AsyncIterator[None]:
        """A place for one log of a node, for the length of a block.

        held: told a reason and a sentence when there is none; then it waits for one.
        """
        told = ""
        while (why := self._lacks(node)) is not None:
            if why[0] != told:
                told = why[0]
                self._full()
                held(*why)
            await self._change()
        self._taken += 1
        self._nodes[node] += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._nodes[node] -= 1
            if not self._nodes[node]:
                del self._nodes[node]
            for event in self._waiting:
                event.set()

    def _lacks(self, node: str) -> tuple[str, str] | None:
        chosen = settings()
        for reason, count, limit, where in (
            ("UPSTREAMS_PER_CLUSTER", self._taken, chosen.log_upstreams_per_cluster, "one cluster"),
            ("UPSTREAMS_PER_NODE", self._nodes[node] if node else 0, chosen.log_upstreams_per_node, "one node"),
        ):
            if count >= limit:
                return reason, f"At most {limit} logs of {where} are read at once; this one is when another ends."
        return None

    async def _change(self) -> None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await event.wait()
        finally:
            self._waiting.discard(event)
