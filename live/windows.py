"""Which instances have changed, told to all who follow lists of them: one reader a process, and none while nobody does.

Events of different subjects commit in any order, so their numbers give no place to go on from. The transaction ids
do: every transaction below the oldest one that still runs (`pg_snapshot_xmin`) has ended, and what it wrote is there
for good. A window is all events from one such horizon to the next; nothing can be added to it afterwards.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from tortoise.connection import get_connection

from live.events import bells, woken
from models.postgres import AWAY
from settings import settings

log = structlog.get_logger(__name__)

SUBJECTS = "ins_"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS until"
_READ = """
WITH h AS (SELECT least($2::text::xid8, pg_snapshot_xmin(pg_current_snapshot())) AS until)
SELECT h.until::text, e.subject FROM h
LEFT JOIN event e ON e.xid >= $1::text::xid8 AND e.xid < h.until AND e.subject LIKE 'ins\\_%'
GROUP BY 1, 2
"""


class Feed:
    """One follower's share: what has changed since it last took, and up to which horizon."""

    def __init__(self) -> None:
        self.since: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The horizon from which on everything is put into this feed."""
        self.until = 0
        self._changed: dict[str, None] = {}
        self._bell = asyncio.Event()

    def put(self, until: int, changed: list[str]) -> None:
        self.until = until
        self._changed.update(dict.fromkeys(changed))
        if changed:
            self._bell.set()

    def wake(self) -> None:
        """Has a wait end early."""
        self._bell.set()

    async def take(self, wait: float, most: int) -> list[str]:
        """The ids of instances that changed, each once; none when none came within so many seconds."""
        if not self._changed:
            self._bell.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._bell.wait()
            except TimeoutError:
                return []
        taken = list(self._changed)[:most]
        for id in taken:
            del self._changed[id]
        return taken

    @property
    def drained(self) -> bool:
        """Whether everything up to the horizon was taken."""
        return not self._changed


class Windows:
    """Reads windows while there are followers."""

    def __init__(self) -> None:
        self._feeds: set[Feed] = set()
        self._reader: asyncio.Task[None] | None = None
        self._since: int | None = None

    @contextmanager
    def following(self) -> Iterator[Feed]:
        """A feed for the length of a block; `since` is known as soon as the database has answered."""
        feed = Feed()
        self._feeds.add(feed)
        if self._since is not None:
            self._begin(feed, self._since)
        if self._reader is None:
            self._reader = asyncio.create_task(self._run())
        try:
            yield feed
        finally:
            self._feeds.discard(feed)
            if not self._feeds and self._reader is not None:
                self._reader.cancel()
                self._reader, self._since = None, None

    async def _run(self) -> None:
        with bells.waiting(SUBJECTS) as bell:
            while True:
                bell.clear()
                try:
                    await self._read()
                except AWAY:
                    log.warning("changes of instances cannot be read; they will be", exc_info=True)
                await woken(bell)
                await asyncio.sleep(settings().log_flush)

    async def _read(self) -> None:
        if self._since is None:
            self._since = await horizon()
            for feed in self._feeds:
                self._begin(feed, self._since)
        until, changed = await window(self._since)
        for feed in self._feeds:
            feed.put(until, changed)
        self._since = until

    def _begin(self, feed: Feed, since: int) -> None:
        feed.until = since
        if not feed.since.done():
            feed.since.set_result(since)


async def horizon() -> int:
    """The transaction id below which everything has ended."""
    rows = await get_connection("default").execute_query_dict(_HORIZON)
    return int(rows[0]["until"])


async def window(since: int, until: int | None = None) -> tuple[int, list[str]]:
    """The horizon, at most `until`, and the ids of the instances with events from `since` up to it."""
    values: list[Any] = [str(since), None if until is None else str(until)]
    rows = await get_connection("default").execute_query_dict(_READ, values)
    return int(rows[0]["until"]), [row["subject"] for row in rows if row["subject"] is not None]


windows = Windows()
"""The one of this process."""
