"""A small contract to test the transport with: a list, a connection, slow reads, writes, refusals, bugs and streams."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self

import strawberry
from asyncpg import PostgresConnectionError
from strawberry import ID, Info

from resolvers.session import Session
from rules.refusals import not_found
from schema.execution import Execution
from schema.fields import resolved_by, source, subscribed_by


@dataclass(slots=True)
class World:
    """What resolvers touch and tests look at."""

    writes: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0
    open_streams: int = 0


@dataclass(slots=True)
class Context:
    world: World
    viewer: str
    request_id: str
    session: Session = field(default_factory=Session)
    loads: list[int] = field(default_factory=list)

    def for_event(self) -> Self:
        return type(self)(self.world, self.viewer, self.request_id, self.session)


Ask = Info[Context, None]


@dataclass(slots=True)
class ServiceRow:
    id: str
    name: str


@dataclass(slots=True)
class InstanceRow:
    id: str
    name: str
    services: list[ServiceRow]


@dataclass(slots=True)
class PageRow:
    nodes: list[InstanceRow]


def _rows(count: int) -> list[InstanceRow]:
    return [InstanceRow(f"i{n}", f"dev{n}", [ServiceRow("s", "web")]) for n in range(count)]


async def viewer(info: Ask) -> str:
    return info.context.viewer


async def request_id(info: Ask) -> str:
    return info.context.request_id


async def loads(info: Ask) -> int:
    info.context.loads.append(1)
    return len(info.context.loads)


async def app(root: InstanceRow) -> ServiceRow:
    return ServiceRow("a", "shop")


async def listed(info: Ask, first: int | None = None, last: int | None = None) -> PageRow:
    return PageRow(_rows(first or last or 25))


async def node(id: ID) -> InstanceRow:
    raise not_found("id")


async def bug(info: Ask) -> str:
    raise RuntimeError("db password=hunter2")


async def away(info: Ask) -> str:
    raise PostgresConnectionError("no password for 10.0.0.7")


async def slow(info: Ask) -> str:
    world = info.context.world
    world.started.set()
    try:
        await world.release.wait()
    except asyncio.CancelledError:
        world.cancelled += 1
        raise
    finally:
        world.ended.set()
    return "done"


async def echo(info: Ask, text: str, times: int = 1) -> str:
    return text * times


async def write(info: Ask, value: str) -> str:
    world = info.context.world
    world.started.set()
    try:
        await world.release.wait()
        world.writes.append(value)
    except asyncio.CancelledError:
        world.cancelled += 1
        raise
    finally:
        world.ended.set()
    return value


async def count(info: Ask, to: int = 3) -> AsyncIterator[int]:
    world = info.context.world
    world.open_streams += 1
    try:
        for number in range(1, to + 1):
            yield number
    finally:
        world.open_streams -= 1
        world.ended.set()


async def forever(info: Ask) -> AsyncIterator[int]:
    world = info.context.world
    world.open_streams += 1
    try:
        yield 1
        world.started.set()
        await world.release.wait()
    finally:
        world.open_streams -= 1
        world.ended.set()


async def polite(info: Ask) -> AsyncIterator[str]:
    """Tells why it ends, as the streams of Berth do."""
    session, woken = info.context.session, asyncio.Event()
    with session.waking(woken.set):
        yield "open"
        await woken.wait()
        assert session.ending
        yield session.ending.reason


async def breaks(info: Ask, refused: bool = False) -> AsyncIterator[int]:
    yield 1
    if refused:
        raise not_found("id")
    raise RuntimeError("stream secret")


async def event(info: Ask) -> AsyncIterator[InstanceRow]:
    for row in _rows(2):
        yield row


async def event_loads(root: InstanceRow, info: Ask) -> int:
    return await loads(info)


@strawberry.type(name="Service")
@source(ServiceRow)
class Service:
    id: ID
    name: str


@strawberry.type(name="Instance")
@source(InstanceRow)
class Instance:
    id: ID
    name: str
    services: list[Service]
    app: Service = resolved_by(app, description="")
    instances: "InstanceConnection" = resolved_by(listed, description="")
    loads: int = resolved_by(event_loads, description="")


@strawberry.type
class Edge:
    node: Instance
    cursor: str


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
@source(PageRow)
class InstanceConnection:
    nodes: list[Instance]
    edges: list[Edge]
    page_info: PageInfo


@strawberry.type
class Query:
    viewer: str = resolved_by(viewer, description="")
    request_id: str = resolved_by(request_id, description="")
    loads: int = resolved_by(loads, description="")
    instances: InstanceConnection = resolved_by(listed, description="")
    node: Instance | None = resolved_by(node, description="")
    bug: str | None = resolved_by(bug, description="")
    away: str | None = resolved_by(away, description="")
    slow: str | None = resolved_by(slow, description="")
    echo: str = resolved_by(echo, description="")


@strawberry.type
class Mutation:
    write: str = resolved_by(write, description="")


@strawberry.type
class Subscription:
    count: int = subscribed_by(count, description="")
    forever: int = subscribed_by(forever, description="")
    polite: str = subscribed_by(polite, description="")
    breaks: int = subscribed_by(breaks, description="")
    event: Instance = subscribed_by(event, description="")


SCHEMA = strawberry.Schema(Query, Mutation, Subscription, execution_context_class=Execution)
CORE: Any = SCHEMA._schema
