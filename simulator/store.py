"""The objects, their versions, what happened to them lately, and who watches."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import orjson

from simulator.kinds import STORED, Kind, Object
from simulator.selectors import Match

HISTORY = 1_000
"""Events kept per kind; a watch from before the oldest of them is too old."""

BACKLOG = 20_000
"""Events one watch may leave unread before it is cut off, as a real API server does with a slow one."""


class Stored(NamedTuple):
    """An object as it is kept. `obj` must not be changed; `raw` is the same as JSON."""

    obj: Object
    raw: bytes


def item(kind: Kind, row: Stored) -> bytes:
    """The JSON of an object as an item of a list has it: without kind and apiVersion."""
    return b"{" + row.raw[len(f'{{"kind":"{kind.name}","apiVersion":"{kind.api_version}",') :]


class Event(NamedTuple):
    """One change; `old` is the object before it."""

    version: int
    type: str
    kind: Kind
    namespace: str
    old: Object | None
    new: Stored


class Recorder(Protocol):
    """Where changes are made to last."""

    def put(self, kind: Kind, new: Stored) -> None: ...
    def remove(self, kind: Kind, namespace: str, name: str, version: int) -> None: ...


class Watch:
    """One reader's queue of events, already chosen by namespace; selectors are applied on the way in."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self.events: deque[tuple[str, Stored, int]] = deque()
        self.ready = asyncio.Event()
        self.end = ""

    def offer(self, event: Event) -> None:
        """Queues the event as this watch sees it: what stops matching is DELETED, what starts to is ADDED."""
        now = event.type != "DELETED" and self._match(event.new.obj)
        before = event.old is not None and self._match(event.old)
        if not now and not before:
            return
        shown = "DELETED" if not now else "MODIFIED" if before else "ADDED"
        self.events.append((shown, event.new, event.version))
        self.ready.set()
        if len(self.events) > BACKLOG:
            self.close("clean")

    def close(self, end: str) -> None:
        """Ends the stream: `clean`, `abort` (in the middle of the body), or `expired` (an ERROR event first)."""
        self.end = end
        self.ready.set()


class Store:
    """Objects by kind, namespace and name. Every change has a version above all versions before it."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.version = 100
        self._recorder = recorder
        self._tables: dict[Kind, dict[str, dict[str, Stored]]] = {kind: {} for kind in STORED}
        self._history: dict[Kind, deque[Event]] = {kind: deque(maxlen=HISTORY) for kind in STORED}
        self._floor: dict[Kind, int] = dict.fromkeys(STORED, self.version)
        self._watches: dict[tuple[Kind, str], set[Watch]] = {}
        self.listeners: list[Callable[[Event], None]] = []

    def load(self, kind: Kind, obj: Object, raw: bytes) -> None:
        """Takes an object from the journal, unannounced."""
        meta = obj["metadata"]
        self._tables[kind].setdefault(meta.get("namespace", ""), {})[meta["name"]] = Stored(obj, raw)

    def get(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        return self._tables[kind].get(namespace, {}).get(name)

    def select(self, kind: Kind, namespace: str | None = None) -> list[Stored]:
        """The objects of a kind, ordered by namespace and name; of all namespaces for None."""
        table = self._tables[kind]
        names = sorted(table) if namespace is None else [namespace]
        return [rows[name] for one in names if (rows := table.get(one)) for name in sorted(rows)]

    def objects(self, kind: Kind, namespace: str | None = None) -> Iterator[Object]:
        """The same, unordered and without the JSON."""
        table = self._tables[kind]
        for one in list(table) if namespace is None else [namespace]:
            yield from [stored.obj for stored in table.get(one, {}).values()]

    def count(self, kind: Kind, namespace: str) -> int:
        return len(self._tables[kind].get(namespace, {}))

    def put(self, kind: Kind, obj: Object) -> Stored:
        """Keeps the object under a new version, which is written into it."""
        self.version += 1
        obj = {"kind": kind.name, "apiVersion": kind.api_version, **obj}
        meta = obj["metadata"]
        meta["resourceVersion"] = str(self.version)
        new = Stored(obj, orjson.dumps(obj))
        rows = self._tables[kind].setdefault(meta.get("namespace", ""), {})
        old = rows.get(meta["name"])
        rows[meta["name"]] = new
        if self._recorder:
            self._recorder.put(kind, new)
        self._tell(Event(self.version, "MODIFIED" if old else "ADDED", kind, meta.get("namespace", ""),
                         old.obj if old else None, new))  # fmt: skip
        return new

    def remove(self, kind: Kind, namespace: str, name: str) -> Stored:
        """Forgets the object; the last event about it carries it with the version of its removal."""
        rows = self._tables[kind][namespace]
        old = rows.pop(name)
        if not rows:
            del self._tables[kind][namespace]
        self.version += 1
        last = {**old.obj, "metadata": {**old.obj["metadata"], "resourceVersion": str(self.version)}}
        gone = Stored(last, orjson.dumps(last))
        if self._recorder:
            self._recorder.remove(kind, namespace, name, self.version)
        self._tell(Event(self.version, "DELETED", kind, namespace, old.obj, gone))
        return gone

    def _tell(self, event: Event) -> None:
        history = self._history[event.kind]
        if len(history) == HISTORY:
            self._floor[event.kind] = history[0].version
        history.append(event)
        for key in ((event.kind, event.namespace), (event.kind, "*")):
            for watch in self._watches.get(key, ()):
                watch.offer(event)
        for listener in self.listeners:
            listener(event)

    def floor(self, kind: Kind) -> int:
        """The oldest version from which a watch of this kind misses nothing."""
        return self._floor[kind]

    def compact(self) -> None:
        """Forgets what happened: every watch from an older version is too old from here on."""
        for kind in STORED:
            self._history[kind].clear()
            self._floor[kind] = self.version

    def since(self, kind: Kind, namespace: str | None, version: int) -> list[Event]:
        """The events after a version that is not below `floor`."""
        events = list(self._history[kind])
        first = bisect_right(events, version, key=lambda event: event.version)
        return [event for event in events[first:] if namespace is None or event.namespace == namespace]

    def at(self, kind: Kind, namespace: str | None, version: int) -> list[Stored]:
        """The objects as they were at a version that is not below `floor`, in the order of `select`."""
        rows = {(row.obj["metadata"].get("namespace", ""), row.obj["metadata"]["name"]): row
                for row in self.select(kind, namespace)}  # fmt: skip
        for event in reversed(self.since(kind, namespace, version)):
            key = event.namespace, event.new.obj["metadata"]["name"]
            if event.old is None:
                del rows[key]
            else:
                rows[key] = Stored(event.old, orjson.dumps(event.old))
        return [rows[key] for key in sorted(rows)]

    def watch(self, kind: Kind, namespace: str | None, match: Match) -> Watch:
        """A queue that receives every later event of the kind; end it with `unwatch`."""
        watch = Watch(match)
        self._watches.setdefault((kind, namespace or "*"), set()).add(watch)
        return watch

    def unwatch(self, kind: Kind, namespace: str | None, watch: Watch) -> None:
        watches = self._watches.get((kind, namespace or "*"), set())
        watches.discard(watch)
        if not watches:
            self._watches.pop((kind, namespace or "*"), None)

    def watches(self) -> list[Watch]:
        """Every watch that is open."""
        return [watch for group in self._watches.values() for watch in group]
