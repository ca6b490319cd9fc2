"""What the parts of one simulated cluster share."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from aiohttp import web

from simulator.behaviour import Behaviours
from simulator.clock import Clock
from simulator.cluster import Cluster
from simulator.faults import Faults
from simulator.kinds import Kind, Object
from simulator.store import Store

VERSION = "v1.34.0"
HELD = "simulator.example/held"
"""The finalizer that a `hold` fault puts on new objects."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds that things take: a pod is up after schedule + pull + start, ready after `ready` more (with a probe)."""

    schedule: float = 0.05
    pull: float = 0.15
    start: float = 0.1
    ready: float = 0.05
    init: float = 0.05
    stop: float = 0.1
    backoff: float = 10.0
    longest_backoff: float = 300.0

    def scaled(self, total: float) -> "Speeds":
        """The same with pods that are up after a total time."""
        factor = total / (self.schedule + self.pull + self.start)
        return replace(self, schedule=self.schedule * factor, pull=self.pull * factor, start=self.start * factor)


@dataclass(slots=True)
class State:
    """One cluster: objects, time, rules and faults, and the streams that are open."""

    clock: Clock
    store: Store
    cluster: Cluster
    token: str = ""
    speeds: Speeds = Speeds()
    faults: Faults = field(default_factory=Faults)
    behaviours: Behaviours = field(default_factory=Behaviours)
    release: str = VERSION
    closing: bool = False
    open: set[asyncio.Event] = field(default_factory=set)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    generation: int = 0
    last_cut: str = ""
    changed: Callable[[], None] = lambda: None
    ends: dict[str, int] = field(default_factory=dict)

    def version(self) -> Object:
        """The document at /version."""
        major, minor, *_ = self.release.removeprefix("v").split(".")
        return {
            "major": major, "minor": minor, "gitVersion": self.release, "gitCommit": "0" * 40,
            "gitTreeState": "clean", "buildDate": "2025-08-27T00:00:00Z", "goVersion": "go1.24.6",
            "compiler": "gc", "platform": "linux/amd64",
        }  # fmt: skip

    def hold(self, kind: Kind, obj: Object) -> None:
        """Does what a `hold` fault says to an object that is about to be made."""
        meta = obj.get("metadata") or {}
        for fault in self.faults.on:
            if fault.fault == "hold" and fnmatchcase(f"{kind.plural}/{meta.get('name', '')}", fault.path):
                meta["finalizers"] = [*(meta.get("finalizers") or []), HELD]
                return

    @contextmanager
    def stream(self, wake: asyncio.Event) -> Iterator[None]:
        """Keeps note of an open stream, which is woken when the server closes or a fault is switched."""
        self.open.add(wake)
        try:
            yield
        finally:
            self.open.discard(wake)

    def wake(self) -> None:
        """Lets every open stream look again at what holds."""
        for event in self.open:
            event.set()

    def cut(self, end: str) -> None:
        """Ends every stream that is open now: `clean`, `abort`, or `expired` for watches (logs end cleanly)."""
        self.generation += 1
        self.last_cut = end
        for watch in self.store.watches():
            watch.close(end)
        self.wake()
