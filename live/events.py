"""Wakes the readers of events: one listening connection for all of a process's streams."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models.database import listen
from models.event import CHANNEL
from settings import settings

_PREFIX = 4
"""The length of what ids of one kind begin with, such as `ins_`."""


class Bells:
    """Who waits for news of which subject. A ring only says look; what there is, is read from the table."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None

    def open(self, database_url: str) -> None:
        """Starts listening, for as long as the process runs."""
        self._listening = asyncio.create_task(self._listen(database_url))

    async def close(self) -> None:
        """Stops listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    @contextmanager
    def waiting(self, subject: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be news of the subject, or of any whose id begins so (`ins_`)."""
        bell = asyncio.Event()
        self._waiting[subject].add(bell)
        try:
            yield bell
        finally:
            self._waiting[subject].discard(bell)
            if not self._waiting[subject]:
                del self._waiting[subject]

    def ring(self, subject: str) -> None:
        """Wakes those who wait for a subject; an empty one wakes all, for something may have been missed."""
        if subject:
            wake = [self._waiting.get(name, set()) for name in (subject, subject[:_PREFIX])]
        else:
            wake = list(self._waiting.values())
        for bells in wake:
            for bell in bells:
                bell.set()

    async def _listen(self, database_url: str) -> None:
        async for notification in listen(database_url, [CHANNEL]):
            self.ring(notification.payload)


async def woken(bell: asyncio.Event) -> None:
    """Waits for a bell, or until it is time to look without one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(settings().event_poll):
            await bell.wait()


bells = Bells()
"""The one of this process."""
