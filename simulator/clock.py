"""Time: the computer's own, or one that a test drives."""

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

SECOND = 1_000_000_000


class Timer(Protocol):
    """What `Clock.later` returns."""

    def cancel(self) -> None: ...


class Clock:
    """The time of day in nanoseconds, and calls that are due later; this one follows the computer's clock."""

    def now(self) -> int:
        return time.time_ns()

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Calls `call` once, after the given time."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), call)

    async def sleep(self, seconds: float) -> None:
        """Returns when the given time has passed on this clock."""
        done = asyncio.Event()
        timer = self.later(seconds, done.set)
        try:
            await done.wait()
        finally:
            timer.cancel()

    def stamp(self) -> str:
        """Now, as metadata and conditions have it: RFC 3339 in seconds."""
        return stamp(self.now())

    def micro(self) -> str:
        """Now as a MicroTime, as Events have it."""
        return datetime.fromtimestamp(self.now() / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Call:
    """A call due at a time of a driven clock."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class DrivenClock(Clock):
    """A clock that stands still until `advance` moves it."""

    def __init__(self, start: int = 1_767_225_600 * SECOND) -> None:
        self._now = start
        self._calls: list[tuple[int, int, _Call]] = []
        self._order = count()

    def now(self) -> int:
        return self._now

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        due = _Call(call)
        heapq.heappush(self._calls, (self._now + round(max(0.0, seconds) * SECOND), next(self._order), due))
        return due

    @property
    def pending(self) -> bool:
        """Whether some call is due later."""
        return any(call.call is not None for _, _, call in self._calls)

    async def advance(self, seconds: float, settle: Callable[[], None]) -> None:
        """Moves on, stopping at each call that is due on the way; `settle` does what each of them brought about."""
        end = self._now + round(seconds * SECOND)
        await self._quiet(settle)
        while self._calls and self._calls[0][0] <= end:
            due, _, timer = heapq.heappop(self._calls)
            if timer.call is not None:
                self._now = max(self._now, due)
                timer.call()
                await self._quiet(settle)
        self._now = end
        await self._quiet(settle)

    async def _quiet(self, settle: Callable[[], None]) -> None:
        for _ in range(3):
            settle()
            await asyncio.sleep(0)


def stamp(nanoseconds: int) -> str:
    """RFC 3339 in whole seconds, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(nanoseconds // SECOND))


def nano(nanoseconds: int) -> str:
    """RFC 3339 with nine digits, as log lines have it."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def parse(text: str) -> int:
    """Nanoseconds of an RFC 3339 time (zero for an empty one). Raises ValueError."""
    if not text:
        return 0
    head, _, rest = text.partition(".")
    if not rest:
        return round(datetime.fromisoformat(text).timestamp()) * SECOND
    digits = rest[: next((i for i, c in enumerate(rest) if not c.isdigit()), len(rest))]
    whole = datetime.fromisoformat(head + (rest[len(digits) :] or "Z"))
    return round(whole.timestamp()) * SECOND + int(digits[:9].ljust(9, "0"))
