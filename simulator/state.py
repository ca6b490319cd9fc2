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
    bookmark: float = 60.0

    def scaled(self, total: float) -> "Speeds":
        """The same with pods that are up after a total time."""
        factor = total / (self.schedule + self.pull + self.start)
        return replace(self, schedule=self.schedule * factor, pull=self.pull * factor, start=self.start * factor)


@dataclass(slots=True, eq=False)
class Stream:
    """An answer that goes on. `wake` lets it look again at what holds; `end` says how it is to end, if it is."""

    path: str
    wake: asyncio.Event
    end: str = ""
    again: bool = False


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
    open: set[Stream] = field(default_factory=set)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    rotated: list[tuple[str, int]] = field(default_factory=list)
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
    def stream(self, verb: str, path: str, wake: asyncio.Event) -> Iterator[Stream]:
        """Keeps note of an open stream, which is woken when the server closes or a fault is switched."""
        made = Stream(path, wake)
        timer = None
        if fault := self.faults.find("cut", verb, path) or self.faults.find("end", verb, path):
            end = "abort" if fault.fault == "cut" else "clean"
            timer = self.clock.later(fault.seconds, lambda: self._end(made, end))
        self.open.add(made)
        try:
            yield made
        finally:
            self.open.discard(made)
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        """Lets every open stream look again at what holds."""
        for stream in self.open:
            stream.wake.set()

    def _end(self, stream: Stream, end: str) -> None:
        stream.end = end
        stream.wake.set()

    def cut(self, end: str, path: str = "*") -> None:
        """Ends the streams of a path that are open now: `clean`, `abort`, or `expired` (of logs: clean)."""
        for stream in self.open:
            if fnmatchcase(stream.path, path):
                self._end(stream, end)

    def rotate(self, path: str = "*") -> None:
        """Forgets the lines so far of the logs of a path, as a kubelet does that begins a new file.

        A stream that is open loses nothing by it.
        """
        self.rotated.append((path, self.clock.now()))

    def reread(self, path: str = "*") -> None:
        """Has the open streams of a path tell their file once more from its start, as some kubelets do after many
        rotations."""
        for stream in self.open:
            if fnmatchcase(stream.path, path):
                stream.again = True
                stream.wake.set()
