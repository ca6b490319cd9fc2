"""How hard one cluster may be asked: what all share who ask it, so that a struggling cluster is not trampled."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

CALLS = 20
RELISTS = 2
OPENING = 5
PROBE = 2.0  # seconds between two questions whether a cluster that was away is back
LISTS_FOR = 12 * 3600.0  # seconds for which a cluster without WatchList is not asked for it: it may be upgraded


class RetryBudget:
    """Retries a cluster may still cost: each takes one, each success gives a tenth back, so a dead one stays cheap."""

    def __init__(self, most: float = 20.0) -> None:
        self.most = most
        self.left = most

    def spend(self) -> bool:
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def earn(self) -> None:
        self.left = min(self.most, self.left + 0.1)


class Pace:
    """Of one cluster. ready: asks it, without raising, whether it takes requests.

    room: places for calls. relists: places for those who read a collection anew after they lost its thread. opening:
    places for logs that are being opened, which after a restart of the API server all are at once.
    """

    def __init__(self, ready: Callable[[], Awaitable[bool]]) -> None:
        self.budget = RetryBudget()
        self.room = asyncio.Semaphore(CALLS)
        self.relists = asyncio.Semaphore(RELISTS)
        self.opening = asyncio.Semaphore(OPENING)
        self._lists_until = 0.0
        self._ready = ready
        self._well = asyncio.Event()
        self._asking = 0
        self._probing: asyncio.Task[None] | None = None

    @property
    def watch_lists(self) -> bool:
        """Whether a watch may be asked for what exists already."""
        return time.monotonic() >= self._lists_until

    def without_watch_lists(self) -> None:
        """Notes that the cluster cannot do it."""
        self._lists_until = time.monotonic() + LISTS_FOR

    async def pause(self, seconds: float, *, asking: bool) -> None:
        """Waits for so long; when the cluster was away meanwhile, no longer than until it is back.

        asking: it did not answer, or failed. However many wait for that, one question every two seconds is asked.
        """
        self._asking += asking
        if asking and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(self._probe())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._well.wait()
        finally:
            self._asking -= asking

    def well(self) -> None:
        """The cluster is back: ends every pause."""
        self._well.set()
        self._well = asyncio.Event()

    async def close(self) -> None:
        """Ends the question that may be under way."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _probe(self) -> None:
        """Asks while anybody waits and it is away. One that is there may still fail for other reasons, and for long."""
        away = False
        while self._asking:
            ready = await self._ready()
            if ready and away:
                self.well()
            away = not ready
            await asyncio.sleep(PROBE)
