"""The one way to tell open streams that the process is about to end.

A server waits for open responses before it ends the application's lifespan, so a stream that waits for the lifespan's
end would never end: it must hear the signal itself.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Shutdown:
    """Begun once; whoever holds something open waits for it."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        return self._begun.is_set()

    def begin(self) -> None:
        """Let every stream end. Calling it again changes nothing."""
        self._begun.set()

    async def wait(self) -> None:
        await self._begun.wait()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin at SIGTERM and SIGINT, before the handlers that the server has set, which still run.

        To be entered from the running loop, in the main thread; elsewhere there are no signals to hear, and it does
        nothing.
        """
        loop = asyncio.get_running_loop()
        before: dict[signal.Signals, Any] = {}

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.begin)
            server = before[signal.Signals(number)]
            if callable(server):
                server(number, frame)
            elif server is signal.SIG_DFL:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)

        for each in (signal.SIGTERM, signal.SIGINT):
            try:
                before[each] = signal.signal(each, handle)
            except ValueError:
                break
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
