"""Changes of lists: what comes into one, changes in it, and leaves it, whatever the reason.

A list is too long to be told whole, and is read in pages. So a stream first says from where on it tells everything
(`ListFollowed`); whoever reads the list after that, and then takes in what comes, has it as it is. After a break the
stream goes on behind a cursor: what changed meanwhile is told as coming in or leaving, perhaps once more than needed.
"""

import base64
import binascii
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic, time
from typing import Any

import orjson
from strawberry import Info

from live.windows import Feed, window, windows
from resolvers import told
from resolvers.access import VISIBLE
from resolvers.context import Context
from resolvers.following import alive
from resolvers.lists import Conditions, chosen, conditions_of
from resolvers.nouns import NOUNS, Noun
from resolvers.sql import Values, rows
from rules.refusals import Refused
from settings import settings

_MOST = 100
"""Rows that one event tells of."""

_DAY = 86_400
_MEMBER = "EXISTS (SELECT FROM membership m WHERE m.user_id = {} AND m.organization_id = t.organization_id)"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in what happens to all instances. horizon: everything below it was told. at: in seconds since 1970."""

    horizon: int
    at: int
    digest: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self.horizon, self.at, self.digest])).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, digest: str) -> "Cursor":
        """Raises: Refused INVALID_CURSOR."""
        with suppress(binascii.Error, ValueError, TypeError):
            horizon, at, of = orjson.loads(base64.urlsafe_b64decode(text[:200] + "=" * (-len(text[:200]) % 4)))
            if type(horizon) is int and type(at) is int and 0 < horizon < 2**63 and of == digest:
                return cls(horizon, at, digest)
        raise Refused(
            "INVALID_CURSOR",
            f"{text[:40]!r} is no cursor of this list and this filter.",
            "Send the cursor of an event of a stream with the same filter, or none to begin anew.",
            "after",
        )


def changed(to: str, filters: Mapping[str, str]) -> Callable[..., Any]:
    """A subscription: the changes of the list of a noun that `lists.listed` gives for the same filters."""

    async def resolve(
        info: Info[Context, None], filter: Any = None, after: str | None = None
    ) -> AsyncGenerator[Any, None]:
        wanted = conditions_of(filters, filter)
        digest = sha256(orjson.dumps(wanted, default=str)).hexdigest()[:16]
        begun = Cursor.read(after, digest) if after is not None else None
        with windows.following() as feed, info.context.session.waking(feed.wake):
            async for event in _Follower(info.context, NOUNS[to], wanted, digest, feed).events(begun):
                yield event

    return resolve


class _Follower:
    """One stream. known: the ids of all rows that are in the list, as far as was told."""

    def __init__(self, context: Context, noun: Noun, wanted: Conditions, digest: str, feed: Feed) -> None:
        self._context = context
        self._noun = noun
        self._wanted = wanted
        self._digest = digest
        self._feed = feed
        self._known: set[str] = set()
        self._horizon = 0

    async def events(self, begun: Cursor | None) -> AsyncGenerator[Any, None]:
        """What the stream tells, to its end."""
        since = await self._feed.since
        self._horizon = since if begun is None else begun.horizon
        missed: list[str] = []
        if begun is not None:
            if begun.horizon > since or time() - begun.at > settings().event_days * _DAY:
                yield told.ended(self._cursor, "RESYNC_REQUIRED", again=True)
                return
            _, missed = await window(begun.horizon, since)
        self._known = await self._in_list() - set(missed)
        for event in await self._of(missed, missed=True):
            yield event
        self._horizon = since
        if begun is None:
            yield told.ListFollowed(self._cursor, datetime.now(UTC))
        looked = spoke = monotonic()
        while True:
            due = min(looked + settings().token_recheck, spoke + settings().heartbeat)
            ids = await self._feed.take(max(0.0, due - monotonic()), _MOST)
            if self._feed.drained:
                self._horizon = self._feed.until  # with what was taken, all up to it is told
            events = await self._of(ids)
            if (ending := self._context.session.ending) is not None:
                yield told.ended(self._cursor, ending.reason, again=ending.retryable)
                return
            if monotonic() - looked > settings().token_recheck:
                looked = monotonic()
                if not await alive(self._context.watcher):
                    yield told.ended(self._cursor, "ACCESS_LOST", again=False)
                    return
                events += await self._of((await self._in_list()) ^ self._known)
            for event in events:
                spoke = monotonic()
                yield event
            if monotonic() - spoke > settings().heartbeat:
                spoke = monotonic()
                yield told.Heartbeat(self._cursor, datetime.now(UTC), None)

    @property
    def _cursor(self) -> str:
        return str(Cursor(self._horizon, int(time()), self._digest))

    async def _of(self, ids: Iterable[str], *, missed: bool = False) -> list[Any]:
        """What became of these rows. missed: it is not known which of them were in the list; all may have been."""
        touched = set(ids)
        if not touched:
            return []
        there = await self._in_list(touched)
        inserted, updated = there - self._known, there & self._known
        removed = (await self._visible(touched) if missed else self._known & touched) - there
        self._known = (self._known | there) - removed
        return [
            told.InstancesChanged(self._cursor, datetime.now(UTC), *parts)
            for parts in _chunks(sorted(inserted), sorted(updated), sorted(removed))
        ]

    async def _in_list(self, ids: set[str] | None = None) -> set[str]:
        """Which of these rows, or of all, are in the list now."""
        values = Values()
        condition = chosen(self._context, self._noun, values, self._wanted)
        return await self._select(condition, values, ids)

    async def _visible(self, ids: set[str]) -> set[str]:
        """Which of these rows the viewer may see, gone ones included."""
        values = Values()
        condition = VISIBLE[self._noun.table](self._context.viewer, values)
        return await self._select(condition, values, ids)

    async def _select(self, condition: str, values: Values, ids: set[str] | None) -> set[str]:
        among = "" if ids is None else f" AND t.id = ANY({values(sorted(ids))})"
        member = _MEMBER.format(values(self._context.viewer.user_id))
        found = await rows(f"SELECT t.id FROM {self._noun.source} WHERE {condition} AND {member}{among}", values)
        return {row["id"] for row in found}


def _chunks(*parts: list[str]) -> list[list[list[str]]]:
    """The parts in pieces of at most `_MOST` ids each."""
    longest = max(map(len, parts))
    return [[part[at : at + _MOST] for part in parts] for at in range(0, longest, _MOST)]
