"""The queue that calls controllers: by what changed, and by time."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from simulator.errors import StatusError
from simulator.kinds import STORED, Kind, Object
from simulator.state import State
from simulator.store import Event

logger = logging.getLogger("simulator")
Key = tuple[str, ...]
RETRY = 2.0
"""Seconds until a controller that was refused something tries again."""


ENDLESS = 20_000
"""Calls at one moment of driven time after which two controllers are taken to undo each other's work."""


class Controller(Protocol):
    """Something that brings one object at a time to what is written of it."""

    def keys(self, event: Event) -> Iterable[Key]:
        """The objects that this change may concern."""

    def reconcile(self, key: Key) -> None:
        """Does what can be done now."""


class Loop:
    """Controllers and the keys that wait for them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.controllers: list[Controller] = []
        self._queue: deque[tuple[Controller, Key]] = deque()
        self._waiting: set[tuple[int, Key]] = set()
        self._ready = asyncio.Event()
        state.store.listeners.append(self._observe)

    def resume(self) -> None:
        """Looks at every object, as controllers do when they start; also after a change of the rules."""
        for kind in STORED:
            for row in self.state.store.select(kind):
                meta = row.obj["metadata"]
                self._observe(Event(0, "ADDED", kind, meta.get("namespace", ""), None, row))

    def _observe(self, event: Event) -> None:
        for controller in self.controllers:
            for key in controller.keys(event):
                self.enqueue(controller, key)

    def enqueue(self, controller: Controller, key: Key) -> None:
        """Asks for a call as soon as it can be."""
        mark = (id(controller), key)
        if mark not in self._waiting:
            self._waiting.add(mark)
            self._queue.append((controller, key))
            self._ready.set()

    def later(self, seconds: float, controller: Controller, key: Key) -> None:
        """Asks for a call after a time."""
        self.state.clock.later(seconds, lambda: self.enqueue(controller, key))

    def step(self) -> bool:
        """Makes one call; whether there was one to make."""
        if not self._queue:
            return False
        controller, key = self._queue.popleft()
        self._waiting.discard((id(controller), key))
        try:
            controller.reconcile(key)
        except StatusError as refused:
            logger.debug("%s %s: %s", type(controller).__name__, key, refused)
            self.later(RETRY, controller, key)
        except Exception:
            logger.exception("%s failed for %s", type(controller).__name__, key)
            self.later(RETRY, controller, key)
        return True

    def settle(self) -> None:
        """Makes calls until nothing waits for one. Raises RuntimeError where that has no end."""
        for _ in range(ENDLESS):
            if not self.step():
                return
        raise RuntimeError(f"the controllers do not come to rest: {list(self._waiting)[:5]}")

    async def run(self) -> None:
        """Makes calls for ever, some at a time, so that requests are answered in between."""
        while True:
            for _ in range(20):
                if not self.step():
                    self._ready.clear()
                    await self._ready.wait()
            await asyncio.sleep(0)


def owner(obj: Object) -> Object:
    """The reference to the controller of an object; empty for none."""
    references = obj["metadata"].get("ownerReferences") or []
    return next((one for one in references if one.get("controller")), {})


def reference(kind: Kind, obj: Object) -> Object:
    """The ownerReference that the controller of an object puts on what it makes for it."""
    return {
        "apiVersion": kind.api_version, "kind": kind.name, "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def owned_keys(event: Event, kind: Kind, children: tuple[Kind, ...]) -> Iterable[Key]:
    """Keys of (namespace, name) for a change of an object of the kind, or of a child that it controls."""
    if event.kind is kind:
        yield event.namespace, event.new.obj["metadata"]["name"]
    elif event.kind in children:
        holder = owner(event.new.obj)
        if holder.get("kind") == kind.name:
            yield event.namespace, holder["name"]


def condition(status: Object, kind: str, value: bool, reason: str, message: str, now: str) -> Object:
    """A condition as the status should have it; its transition time moves only when its value does."""
    old: Object = next((one for one in status.get("conditions") or [] if one["type"] == kind), {})
    shown = "True" if value else "False"
    same = old.get("status") == shown
    new = {"type": kind, "status": shown, "lastTransitionTime": old["lastTransitionTime"] if same else now}
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    return new
