"""An instance for the hub's tests: containers and lines that a test makes, without a cluster."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from zlib import crc32

from kube.errors import NotFound
from kube.log_past import Wanted, Window
from kube.log_records import Gap, Line, Position, Record, Source
from kube.pods import ContainerEvent
from kube.tail import History
from live.log_events import LogBatch, LogEvent
from live.log_filter import Filter
from live.log_viewer import Viewer
from live.logs import Home, Hub
from models.keyring import Keyring

SECOND = 10**9
HOME = Home("ins_1", "cls_1", "shop-dev")
KEYRING = Keyring("k1", {"k1": b"k" * 32})


def line(number: int, text: str = "line {n}", ns: int | None = None) -> Line:
    """The line of this number, written in its own second."""
    message = text.replace("{n}", str(number))
    at = number * SECOND if ns is None else ns
    return Line(at, message, len(message), Position(at, 1, crc32(message.encode()), at))


def lines(first: int, last: int) -> list[Record]:
    """The lines of these numbers, both included."""
    return [line(number) for number in range(first, last + 1)]


class Container:
    """One run of one container. past: what it had written before anyone looked. kept: its log as the node has it."""

    def __init__(
        self, service: str = "web", pod: str = "web-1", run: str = "run-1", past: Iterable[Record] = ()
    ) -> None:
        self.service = service
        self.source = Source("shop-dev", pod, f"uid-{pod}", service, run)
        self.kept = list(past)
        self.opened = self.read = 0
        self.reading = asyncio.Event()
        self.readable = asyncio.Event()
        self.readable.set()
        self._shown: set[int] = set()
        self._coming: asyncio.Queue[list[Record] | None] = asyncio.Queue()

    def write(self, *records: Record) -> None:
        """New records, which come in one piece."""
        self.kept += [record for record in records if isinstance(record, Line)]
        self._coming.put_nowait(list(records))

    async def drained(self) -> None:
        """Until everything that was written has been taken in."""
        await self._coming.join()

    def end(self) -> None:
        """No more will come."""
        self._coming.put_nowait(None)

    async def history(self, count: int) -> History:
        await self.readable.wait()
        if not self.opened:
            self._shown = {id(record) for record in self.kept}
        return History(self.kept[max(0, len(self.kept) - count) :], len(self.kept) <= count)

    async def records(self) -> AsyncGenerator[list[Record], None]:
        self.opened += 1
        self.reading.set()
        try:
            while (piece := await self._coming.get()) is not None:
                yield [record for record in piece if id(record) not in self._shown]
                self._coming.task_done()
        finally:
            self.reading.clear()

    async def rest(self, after: Position | None, *, inclusive: bool) -> AsyncGenerator[list[Record], None]:
        """As `Tail.rest` reads it."""
        self.read += 1
        places = [record.position for record in self.kept if isinstance(record, Line)]
        if after is None:
            yield list(self.kept)
        elif after in places:
            yield self.kept[places.index(after) + (not inclusive) :]
        else:
            later = [record for record in self.kept if isinstance(record, Line) and record.ns > after.high]
            yield [Gap(after.ns, later[0].ns if later else 0, "ROTATION"), *later]


class PastOf:
    """A container's past, as `kube.log_past.Past` reads it, in one window."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def before(self, wanted: Wanted) -> AsyncGenerator[Window, None]:
        found = [record for record in self._container.kept if isinstance(record, Line)]
        if wanted.end is not None:
            places = [record.position for record in found]
            found = found[: places.index(wanted.end) + wanted.inclusive]
        window = Window(last=found[-1].position if found else None, whole=True)
        for each in found:
            if wanted.passes(each):
                window.add(each, wanted.limit)
        yield window


class FakeInstance:
    """What the hub reads from. Containers that are given from the start were there before."""

    def __init__(self, *containers: Container, synced: bool = True) -> None:
        self._by_source = {container.source: container for container in containers}
        self._told: list[ContainerEvent] = []
        self._events: asyncio.Queue[ContainerEvent] = asyncio.Queue()
        for container in containers:
            self.tell("JOINED", container)
        if synced:
            self.sync()

    def sync(self) -> None:
        """All that was there has been told."""
        self.put(ContainerEvent("SYNCED"))

    def put(self, event: ContainerEvent) -> None:
        """Something happens to all of them."""
        self._events.put_nowait(event)

    def add(self, container: Container) -> None:
        """A run whose log can be read, and of which nothing is told."""
        self._by_source[container.source] = container

    def tell(self, type: str, container: Container, **more: object) -> None:
        """Something happens to a container."""
        self.add(container)
        event = ContainerEvent(type, container.source, container.service, **more)  # type: ignore[arg-type]
        self._told.append(event)
        self._events.put_nowait(event)

    async def events(self) -> AsyncGenerator[ContainerEvent, None]:
        while True:
            yield await self._events.get()

    def tail(self, source: Source) -> Container:
        return self._by_source[source]

    def before(self, source: Source) -> Container:
        return self._by_source[source]

    async def now(self) -> list[ContainerEvent]:
        return self._told

    def past(self, source: Source, *, previous: bool) -> PastOf:
        return PastOf(self._by_source[source])

    async def first(self, source: Source, *, previous: bool) -> int | None:
        return next((each.ns for each in self._by_source[source].kept if isinstance(each, Line)), None)

    async def rest(
        self, source: Source, after: Position | None, *, inclusive: bool, previous: bool
    ) -> AsyncGenerator[list[Record], None]:
        await asyncio.sleep(0)
        if source not in self._by_source:
            raise NotFound("There is no such run.")
        async with aclosing(self._by_source[source].rest(after, inclusive=inclusive)) as pieces:
            async for records in pieces:
                yield records


def broken_hub(problem: Exception) -> Hub:
    """A hub whose clusters cannot be reached at all."""

    async def open(_cluster_id: str, _namespace: str) -> FakeInstance:
        raise problem

    return Hub(open, lambda: KEYRING)


def hub_of(instance: FakeInstance) -> Hub:
    """A hub whose every instance is this one."""

    async def open(_cluster_id: str, _namespace: str) -> FakeInstance:
        return instance

    return Hub(open, lambda: KEYRING)


@asynccontextmanager
async def watching(
    hub: Hub, filter: Filter | None = None, tail: int = 200, user: str = "usr_1", after: str | None = None
) -> AsyncIterator[Viewer]:
    """A viewer of the hub's instance."""
    with hub.stream(user, HOME, filter or Filter(), tail=tail, after=after) as stream:
        yield stream.viewer


async def events(viewer: Viewer) -> AsyncIterator[LogEvent]:
    """What a viewer is told; fails when nothing comes for long."""
    while True:
        event = await viewer.next(10)
        assert event is not None, "nothing came"
        yield event


async def told(viewer: Viewer, count: int) -> list[LogEvent]:
    """The next events."""
    async with aclosing(events(viewer)) as stream:  # type: ignore[type-var]
        return [await anext(stream) for _ in range(count)]


async def read(viewer: Viewer, count: int) -> list[str]:
    """The messages of so many lines (or more, when they come together)."""
    messages: list[str] = []
    async with aclosing(events(viewer)) as stream:  # type: ignore[type-var]
        while len(messages) < count:
            event = await anext(stream)
            if isinstance(event, LogBatch):
                messages += [each.message for each in event.lines]
    return messages
