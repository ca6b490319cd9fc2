"""What every resolver gets: who asks, in which request, and a way to gather what siblings ask for."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resolvers.session import Session
from rules.viewer import Viewer

Load = Callable[[list[str]], Awaitable[Mapping[str, Any]]]


class Batches:
    """Gathers what sibling fields ask for in one turn of the event loop into one call of one loader.

    Nothing is kept after the call, so an answer is never staler than the question, however long the socket lives.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, tuple[Load, dict[str, asyncio.Future[Any]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def load(self, batch: Hashable, key: str, load: Load) -> "asyncio.Future[Any]":
        """The value that `load` answers for `key`; askers with an equal `batch` share one call of the first's `load`.

        `load` must answer every key. What it raises, each asker gets.
        """
        if batch not in self._open:
            self._open[batch] = (load, {})
            asyncio.get_running_loop().call_soon(self._send, batch)
        waiting = self._open[batch][1]
        if key not in waiting:
            waiting[key] = asyncio.get_running_loop().create_future()
        return waiting[key]

    def _send(self, batch: Hashable) -> None:
        task = asyncio.ensure_future(self._run(*self._open.pop(batch)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, load: Load, waiting: dict[str, "asyncio.Future[Any]"]) -> None:
        try:
            found = await load(list(waiting))
        except Exception as error:
            for future in waiting.values():
                if not future.done():
                    future.set_exception(error)
        else:
            for key, future in waiting.items():
                if not future.done():
                    future.set_result(found[key])


@dataclass(slots=True)
class Context:
    """One for each operation. session: what the operations of a connection share."""

    viewer: Viewer
    request_id: str
    session: Session = field(default_factory=Session)
    batches: Batches = field(default_factory=Batches)

    @property
    def watcher(self) -> Viewer:
        """Who watches a stream by now: the token of its connection may have been renewed."""
        return self.session.renewed or self.viewer
