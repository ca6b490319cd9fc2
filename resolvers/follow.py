"""Streams of events: what is now, then every change after it, in order, to the one that ends the stream.

A reader may come back with the cursor of the last event it saw: it misses nothing and gets nothing twice. Without a
cursor it begins with a snapshot, whose cursor was read before the snapshot's contents: what changes in between comes
again as an event, and nothing is lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import orjson
import strawberry

from live.events import bells
from models.ids import kind_of
from resolvers import told
from resolvers.context import Context
from resolvers.following import still_seen
from resolvers.nouns import NOUNS
from resolvers.selection import Selection
from resolvers.sql import Values, rows
from rules.refusals import Refused, not_found
from settings import settings

_PAGE = 200
_READ = (
    "SELECT number, kind, data::text AS data, at FROM event WHERE subject = $1 AND number > $2 "
    f"ORDER BY number LIMIT {_PAGE}"
)
Info = strawberry.Info[Context, None]
Make = Callable[[str, datetime, str, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is followed. make: the event that a row of the table stands for. last: the kind of the terminal one."""

    id: str
    make: Make
    last: str
    snapshot: Callable[[str, datetime, str], Any]


async def task_events(info: Info, id: strawberry.ID, after: str | None = None) -> AsyncGenerator[Any, None]:
    """Raises: Refused NOT_FOUND, INVALID_CURSOR."""
    async for event in _stream(info.context, "Task", Subject(id, told.of_task, "END", told.TaskSnapshot), after):
        yield event


async def instance_events(info: Info, id: strawberry.ID, after: str | None = None) -> AsyncGenerator[Any, None]:
    """Raises: Refused NOT_FOUND, INVALID_CURSOR."""
    subject = Subject(id, told.of_instance, "GONE", told.InstanceSnapshot)
    async for event in _stream(info.context, "Instance", subject, after):
        yield event


async def cluster_events(info: Info, id: strawberry.ID, after: str | None = None) -> AsyncGenerator[Any, None]:
    """Raises: Refused NOT_FOUND, INVALID_CURSOR."""
    subject = Subject(id, told.of_cluster, "GONE", told.ClusterSnapshot)
    async for event in _stream(info.context, "Cluster", subject, after):
        yield event


async def _stream(context: Context, noun: str, subject: Subject, after: str | None) -> AsyncGenerator[Any, None]:
    with bells.waiting(subject.id) as bell, context.session.waking(bell.set):
        number = await _newest(context, noun, subject.id)
        newest = number
        if after is None:
            yield subject.snapshot(str(number), datetime.now(UTC), subject.id)
        else:
            number = _checked(after, number)
        if number == newest and (last := await _terminal(subject, newest)) is not None:
            if after is None:
                yield last
            return
        looked = spoke = monotonic()
        while True:
            bell.clear()
            for row in await rows(_READ, Values(subject.id, number)):
                if row["number"] != number + 1:
                    yield told.ended(number, "RESYNC_REQUIRED", again=True)
                    return
                number, spoke = row["number"], monotonic()
                yield subject.make(str(number), row["at"], row["kind"], orjson.loads(row["data"]))
                if row["kind"] == subject.last:
                    return
                bell.set()  # there may be another page
            if (ending := context.session.ending) is not None:
                yield told.ended(number, ending.reason, again=ending.retryable)
                return
            if monotonic() - looked > settings().token_recheck:
                looked = monotonic()
                if not await still_seen(context.watcher, noun, subject.id):
                    yield told.ended(number, "ACCESS_LOST", again=False)
                    return
            if monotonic() - spoke > settings().heartbeat:
                spoke = monotonic()
                yield told.Heartbeat(str(number), datetime.now(UTC))
            await _woken(bell)


async def _terminal(subject: Subject, newest: int) -> Any:
    """The terminal event of a subject that has ended; None while it may still change."""
    for row in await rows(_READ, Values(subject.id, newest - 1)):
        if row["kind"] == subject.last:
            return subject.make(str(newest), row["at"], row["kind"], orjson.loads(row["data"]))
    return None


async def _woken(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(settings().event_poll):
            await bell.wait()
    except TimeoutError:
        return


async def _newest(context: Context, noun: str, id: str) -> int:
    """The number of the subject's last event. Raises: Refused NOT_FOUND."""
    if kind_of(id) == noun:
        found = await NOUNS[noun].of_ids(context, [id], Selection({}))
        if id in found:
            return int(found[id].cursor)
    raise not_found("id")


def _checked(after: str, newest: int) -> int:
    number = int(after) if after.isdecimal() and len(after) < 19 else -1
    if not 0 <= number <= newest:
        raise Refused(
            "INVALID_CURSOR",
            f"{after[:40]!r} is no cursor of this stream.",
            "Send the cursor of an event of this stream, or none for a snapshot.",
            "after",
        )
    return number
