"""The end of the process: what is open is told, leaves bit by bit, and only then does the server hear of it.

A server that is told to end closes its websockets before anything can be said on them. So its signals are caught here
first, and handed to it when whatever was open has said its last word, or when that takes too long.
"""

import asyncio
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog

from resolvers.session import SERVER_DRAIN, Ending

log = structlog.get_logger("berth.transport")

GRACE = 5.0
"""Seconds that the server gives to requests under way, when it hears of the end."""


class Shutdown:
    """Begun once; whoever holds something open waits for its turn.

    spread: seconds over which the turns are spread, so that not all clients come back to the other servers at once.
    patience: seconds until the server is told, whatever is still open.
    """

    def __init__(self, spread: float = 0.0, patience: float = 20.0) -> None:
        self._spread = spread
        self._patience = patience
        self._begun = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._open = 0
        self._leaving: set[Callable[[], None]] = set()
        self._handing: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        return self._begun.is_set()

    def begin(self) -> None:
        """Let everything that is open end, each at its turn, and nothing begin. Calling it again changes nothing."""
        if not self.begun:
            self._begun.set()
            for leave in list(self._leaving):
                leave()

    async def turn(self) -> Ending:
        """Return when it is the caller's turn to end, with the reason to tell."""
        await self._begun.wait()
        await asyncio.sleep(random.uniform(0, self._spread))
        return SERVER_DRAIN

    @contextmanager
    def holding(self, leave: Callable[[], None] | None = None) -> Iterator[None]:
        """Something is open for the length of a block. leave: called when it begins, for who does not await it."""
        self._open += 1
        self._empty.clear()
        if leave is not None:
            self._leaving.add(leave)
        try:
            yield
        finally:
            if leave is not None:
                self._leaving.discard(leave)
            self._open -= 1
            if not self._open:
                self._empty.set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin at SIGTERM and SIGINT; the handlers that the server has set run when nothing is open any more.

        A second signal goes to the server at once. To be entered from the running loop, in the main thread; elsewhere
        there are no signals to hear, and it does nothing.
        """
        loop = asyncio.get_running_loop()
        before: dict[signal.Signals, Any] = {}

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._signalled, signal.Signals(number), before[signal.Signals(number)])

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

    def _signalled(self, number: signal.Signals, server: Any) -> None:
        if self.begun:
            _tell(number, server)
        else:
            log.info("the process was told to end", signal=number.name, open=self._open)
            self.begin()
            self._handing = asyncio.create_task(self._hand_over(number, server))

    async def _hand_over(self, number: signal.Signals, server: Any) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._empty.wait()
        except TimeoutError:
            log.warning("something is still open, and is cut off", open=self._open)
        _tell(number, server)


def _tell(number: signal.Signals, server: Any) -> None:
    """Let what the server does at a signal happen."""
    if callable(server):
        server(number, None)
    elif server is signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
