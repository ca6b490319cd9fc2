"""A log that several replicas of the API follow and one of them reads: the others get it from that one.

Each knows the last line that it has handed on. So it does not matter whose turn it is, or what Valkey lost: what comes
is taken from behind that line, and what cannot be connected to it is read from the cluster.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from hashlib import sha256
from typing import Protocol

from kube import errors
from kube.log_records import Gap, Position, Record, Source
from kube.tail import History
from live.log_exchange import Claim, Exchange
from live.log_feed import Upstream
from live.log_wire import Entry, last_line


def name_of(cluster_id: str, source: Source) -> str:
    """The name of a run's log, the same in all replicas."""
    told = "\n".join((cluster_id, source.namespace, source.pod_uid, source.container, source.container_id))
    return sha256(told.encode()).hexdigest()[:32]


class Reading(Upstream, Protocol):
    """What reads the log from the cluster: `kube.tail.Tail`. rest: what there is, without following."""

    def rest(self) -> AsyncGenerator[list[Record], None]: ...


class SharedLog:
    """The log of one run of a container. key: names it in all replicas. open: begins to read it behind a line."""

    def __init__(self, exchange: Exchange, key: str, open: Callable[[Position | None], Reading]) -> None:
        self._exchange = exchange
        self._key = key
        self._open = open
        self._first: Reading | None = open(None)
        """What has read the past, and goes on behind it without reading anything again."""
        self._at: Position | None = None
        self._entry = "0"  # the last entry of the others that was looked at
        self._over = False

    async def history(self, lines: int) -> History:
        """The last lines, as this replica reads them itself. Raises: KubeError."""
        assert self._first is not None, "what comes behind the past is being read"
        past = await self._first.history(lines)
        self._at = last_line(past.records)
        return past

    async def records(self) -> AsyncGenerator[list[Record], None]:
        """What comes behind the past, or behind what was handed on last, until the source has ended.

        Raises: KubeError.
        """
        while not self._over:
            claim = await self._exchange.claim(self._key)
            async with aclosing(self._read(claim) if claim is not None else self._borrow()) as pieces:
                async for records in pieces:
                    self._at = last_line(records) or self._at
                    yield records

    async def _read(self, claim: Claim) -> AsyncGenerator[list[Record], None]:
        """Reads it for all, until it has ended or another one does."""
        reading, self._first = self._first or self._open(self._at), None
        try:
            async with aclosing(_until(claim.lost, reading.records())) as pieces:
                async for records in pieces:
                    await self._exchange.append(claim, Entry(self._at, records))
                    yield records
            self._over = not claim.lost.is_set()
        finally:
            await self._exchange.release(claim, Entry(self._at, [], over=self._over, left=not self._over))

    async def _borrow(self) -> AsyncGenerator[list[Record], None]:
        """Takes it from the one who reads it, until it has ended or nobody does."""
        self._first = None
        async with self._exchange.following(self._key, self._entry) as follower:
            while (found := await follower.entries.get()) is not None:
                self._entry, entry = found
                async with aclosing(self._behind(entry)) as pieces:
                    async for records in pieces:
                        yield records
                if entry.over or entry.left:
                    self._over = entry.over
                    return
            self._entry = "0"

    async def _behind(self, entry: Entry) -> AsyncGenerator[list[Record], None]:
        """What an entry has behind the last line, after what is missing between the two."""
        behind = entry.behind(self._at)
        if behind is None:
            otherwise: list[Record] = []  # what was read holds all of the entry
            try:
                async with aclosing(self._open(self._at).rest()) as pieces:
                    async for records in pieces:
                        yield records
            except (errors.NotFound, errors.Invalid):
                otherwise = entry.records
                yield [Gap(self._at.ns if self._at is not None else 0, 0, "REMOVED")]
            behind = entry.behind(self._at)
            behind = behind if behind is not None else otherwise
        if behind:
            yield behind


async def _until(end: asyncio.Event, pieces: AsyncGenerator[list[Record], None]) -> AsyncGenerator[list[Record], None]:
    """The same, but no more once something has happened."""
    ended = asyncio.ensure_future(end.wait())
    coming: asyncio.Future[list[Record]] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(pieces))
            await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            try:
                records = coming.result()
            except StopAsyncIteration:
                return
            yield records
    finally:
        for task in (ended, coming):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await pieces.aclose()
