"""Streams of events: what is now, then every change after it, in order, to the one that ends the stream.

A reader may come back with the cursor of the last event it saw: it misses nothing and gets nothing twice. Without a
cursor it begins with a snapshot, whose cursor was read before the snapshot's contents: what changes in between comes
again as an event, and nothing is lost.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import orjson
import strawberry

from live.events import bells, woken
from models.ids import kind_of
from resolvers import told
from resolvers.access import VISIBLE
from resolvers.context import Context
from resolvers.following import still_seen
from resolvers.nouns import NOUNS
from resolvers.selection import Selection
from resolvers.sql import LAG, Values, rows
from rules.refusals import Refused, not_found
from settings import settings

_PAGE = 200
_READ = (
    f"SELECT number, kind, data::text AS data, at, {LAG} FROM event WHERE subject = $1 AND number > $2 "
    f"ORDER BY number LIMIT {_PAGE}"
)
_COLUMNS = {
    "Task": "t.seq, t.ended_at AS over",
    "Instance": "t.seq, t.deleted_at AS over",
    "Cluster": "t.seq, t.removed_at AS over",
}
"""The number of the last event, and since when there is none after it."""
Info = strawberry.Info[Context, None]
Make = Callable[[str, datetime, str, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is followed. make: the event that a row of the table stands for. last: the kind of the terminal one.

    end: the terminal event, from the row of what has ended.
    """

    id: str
    make: Make
    last: str
    snapshot: Callable[[str, datetime, str], Any]
    end: Callable[[Any], Any] = lambda _row: None


async def task_events(info: Info, id: strawberry.ID, after: str | None = None) -> AsyncGenerator[Any, None]:
    """Raises: Refused NOT_FOUND, INVALID_CURSOR."""
    subject = Subject(id, told.of_task, "END", told.TaskSnapshot, told.end_of)
    async for event in _stream(info.context, "Task", subject, after):
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
        number, newest, row = await _begin(context, noun, subject.id, after)
        if after is None:
            yield subject.snapshot(str(number), datetime.now(UTC), subject.id)
            if (end := subject.end(row)) is not None:
                yield end
                return
        elif row["over"] is not None and number >= await _last(subject, newest):
            return
        looked = spoke = monotonic()
        lag: int | None = None
        while True:
            bell.clear()
            found = await rows(_READ, Values(subject.id, number))
            if number < newest and (not found or found[0]["number"] != number + 1):
                yield told.ended(str(number), "RESYNC_REQUIRED", again=True)
                return
            for event in found:
                number, spoke, lag = event["number"], monotonic(), event["lag"]
                yield subject.make(str(number), event["at"], event["kind"], orjson.loads(event["data"]))
                if event["kind"] == subject.last:
                    return
                bell.set()  # there may be another page
            if (ending := context.session.ending) is not None:
                yield told.ended(str(number), ending.reason, again=ending.retryable)
                return
            if monotonic() - looked > settings().token_recheck:
                looked = monotonic()
                if not await still_seen(context.watcher, noun, subject.id):
                    yield told.ended(str(number), "ACCESS_LOST", again=False)
                    return
            if monotonic() - spoke > settings().heartbeat:
                spoke = monotonic()
                yield told.Heartbeat(str(number), datetime.now(UTC), lag)
            await woken(bell)


async def _last(subject: Subject, newest: int) -> int:
    """The number of the terminal event of what has ended; the newest one where that is forgotten."""
    statement = "SELECT number FROM event WHERE subject = $1 AND kind = $2"
    for row in await rows(statement, Values(subject.id, subject.last)):
        return int(row["number"])
    return newest


async def _begin(context: Context, noun: str, id: str, after: str | None) -> tuple[int, int, Any]:
    """The number to go on behind, that of the last event, and the row: as nouns have it, or with a cursor `_COLUMNS`.

    What is gone can still be followed to its end by cursor. Raises: Refused NOT_FOUND, INVALID_CURSOR.
    """
    if kind_of(id) == noun and after is None:
        found = await NOUNS[noun].of_ids(context, [id], Selection({}))
        if id in found:
            newest = int(found[id].cursor)
            return newest, newest, found[id]
    elif kind_of(id) == noun and after is not None:
        table, values = NOUNS[noun].table, Values(id)
        where = f"t.id = $1 AND {VISIBLE[table](context.viewer, values)}"
        for row in await rows(f"SELECT {_COLUMNS[noun]} FROM {table} t WHERE {where}", values):
            return _checked(after, row["seq"]), row["seq"], row
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
