"""Following a collection: for ever, over one connection after another; plain dictionaries come out.

`follow` survives errors and decides when to come back, `_round` is one connection from its first byte to its last, and
`_Known` finds out what was missed in between.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import structlog
from prometheus_client import Counter

from kube import errors
from kube.clients import Cluster
from kube.collection import Collection, Event, Key, ends_initial, key_of
from kube.pace import Pace
from kube.resources import Resource
from settings import settings

ChangeType = Literal["ADDED", "MODIFIED", "DELETED", "SYNCED", "SYNCING", "TROUBLE"]
BACKOFF_FIRST, BACKOFF_MOST = 0.8, 30.0
HEALTHY = 120.0  # seconds of a good stream after which the backoff starts anew
DENIED = 60.0  # seconds between tries where the answer was 401, 403 or 404: only a person can change that
SHORT, SHORT_PAUSE = 5.0, 1.0  # a stream that lived for less is not reopened at once
CHECK_EVERY = 12 * 3600.0  # seconds between two comparisons of what is known with what is there
_NO_WATCH_LIST = {400, 403, 422}

LOST = Counter("berth_watch_lost_events", "Changes that a watch never told: anything but zero is a fault.", ["kind"])
log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a followed collection.

    ADDED, MODIFIED, DELETED carry `object`; of one that vanished unseen only kind and metadata (name, namespace, uid).
    SYNCED: all that exists has been told. It is not so any more after TROUBLE, which carries `error`, and after
    SYNCING, when all has to be read anew; SYNCED follows.
    """

    type: ChangeType
    object: dict[str, Any]
    error: errors.KubeError | None = None


async def follow(
    cluster: Cluster,
    resource: Resource,
    *,
    namespace: str | None = None,
    labels: str | None = None,
    fields: str | None = None,
    sleep: Sleep | None = None,
) -> AsyncGenerator[Change, None]:
    """All objects of a collection, then every change, until the caller closes it; it raises nothing of the cluster's.

    Errors are told as TROUBLE and tried again with growing pauses, which end when the cluster is found to be well;
    nothing that happened meanwhile is missed, for what a new list lacks is told as DELETED. Close it with `aclosing`.
    """
    target, known = Collection(cluster, resource, namespace, labels, fields), _Known(resource.kind)
    backoff = BACKOFF_FIRST
    while True:
        opened, error = time.monotonic(), None
        try:
            async with aclosing(_round(target, known)) as changes:
                async for change in changes:
                    yield change
        except errors.KubeError as problem:
            error = problem
        lived = time.monotonic() - opened
        if lived > HEALTHY:
            backoff = BACKOFF_FIRST
        pause: float = 0.0
        wait: Sleep = asyncio.sleep
        if error is None:
            pause = SHORT_PAUSE if lived < SHORT else 0.0
        elif isinstance(error, errors.Gone):
            yield known.lost()
            pause = max(0.0, known.listed_at + settings().watch_relist - time.monotonic())
        elif isinstance(error, errors.Unauthorized) and not known.renewed:
            known.renewed, pause = True, SHORT_PAUSE  # credentials that changed meanwhile are read for the next try
        else:
            known.behind = True
            yield Change("TROUBLE", {}, error)
            pause, wait = _pause(error, backoff, cluster.pace)
            backoff = min(BACKOFF_MOST, backoff * 2)
        if pause:
            await (sleep or wait)(pause)


def _pause(error: errors.KubeError, backoff: float, pace: Pace) -> tuple[float, Sleep]:
    """For how long to leave the cluster alone after an error, and how to wait for that long."""
    if isinstance(error, (errors.Unauthorized, errors.Forbidden, errors.NotFound)):
        return DENIED, partial(pace.pause, asking=False)
    pause = max(backoff * random.uniform(1, 2), float(error.details.get("retry_after", 0)))
    return pause, asyncio.sleep if isinstance(error, errors.Throttled) else partial(pace.pause, asking=True)


@dataclass(slots=True)
class _Known:
    """What has been told: UID and version of each object, and the version to go on from, empty to read all anew.

    behind: SYNCED has to be told again. listed_at: when all was last read. renewed: new credentials were tried.
    """

    kind: str
    objects: dict[Key, tuple[str, str]] = field(default_factory=dict)
    version: str = ""
    behind: bool = True
    renewed: bool = False
    listed_at: float = float("-inf")
    check_at: float = 0.0
    _present: set[Key] = field(default_factory=set)

    def begin(self) -> None:
        """Begins to read all that exists."""
        self._present.clear()
        self.listed_at = time.monotonic()
        self.check_at = self.listed_at + CHECK_EVERY * random.uniform(0.9, 1.1)

    def exists(self, found: dict[str, Any]) -> Iterator[Change]:
        """What is new about an object that exists."""
        metadata, key = found["metadata"], key_of(found)
        self._present.add(key)
        uid, version = self.objects.get(key, ("", ""))
        if uid and uid != metadata["uid"]:
            yield self._vanished(key)
        if version != metadata["resourceVersion"]:
            yield self.happened("ADDED", found)

    def end(self, version: str) -> Iterator[Change]:
        """What does not exist any more, now that all that does has been read."""
        self.version = version
        for key in sorted(self.objects.keys() - self._present):
            yield self._vanished(key)
        self._present.clear()

    def happened(self, event_type: str, found: dict[str, Any]) -> Change:
        """An event of a watch, in terms of what was told."""
        metadata, key = found["metadata"], key_of(found)
        if event_type == "DELETED":
            self.objects.pop(key, None)
            return Change("DELETED", found)
        seen = self.objects.get(key)
        self.objects[key] = metadata["uid"], metadata["resourceVersion"]
        return Change("MODIFIED" if seen and seen[0] == metadata["uid"] else "ADDED", found)

    def synced(self) -> Change:
        self.behind = self.renewed = False
        return Change("SYNCED", {})

    def lost(self) -> Change:
        """The thread is lost: all must be read anew."""
        self.version, self.behind = "", True
        return Change("SYNCING", {})

    def _vanished(self, key: Key) -> Change:
        uid, _ = self.objects.pop(key)
        metadata = {"namespace": key[0], "name": key[1], "uid": uid}
        return Change("DELETED", {"kind": self.kind, "metadata": metadata})


async def _round(target: Collection, known: _Known) -> AsyncGenerator[Change, None]:
    """What one connection tells, from what exists where that is not known; ends when the connection does.

    A stream that breaks just ends, for it is resumed; one that cannot be opened raises. One that never said anything
    is Gone: bookmarks come every minute, unless the version is of a cluster that was since restored from a backup.
    """
    pace = target.cluster.pace
    heard = False
    async with AsyncExitStack() as turn:
        if not known.version:
            if known.objects:
                await turn.enter_async_context(pace.relists)
            if pace.watch_lists:
                known.begin()
            else:
                async with aclosing(_listed(target, known)) as changes:
                    async for change in changes:
                        yield change
                yield known.synced()
                await turn.aclose()
        elif time.monotonic() >= known.check_at:
            async with aclosing(_missed(target, known)) as changes:
                async for change in changes:
                    yield change
        initial, opened = not known.version, False
        try:
            async with target.watching(known.version) as events:
                opened = True
                if initial:
                    async with aclosing(_initial(events, known)) as changes:
                        async for change in changes:
                            yield change
                    await turn.aclose()
                    initial, heard = False, True
                if known.behind:
                    yield known.synced()
                async for event_type, found in events:
                    heard = True
                    if event_type == "BOOKMARK" and _is_older(found["metadata"]["resourceVersion"], known.version):
                        raise errors.Gone("The cluster's versions have gone back.")
                    known.version = found["metadata"]["resourceVersion"]
                    if event_type != "BOOKMARK":
                        yield known.happened(event_type, found)
        except errors.Unreachable as error:
            silent = opened and error.reason == "Timeout" and not heard
            if silent and not initial:
                raise errors.Gone(error.message) from error
            if silent:
                pace.without_watch_lists()
            elif initial or not opened:
                raise
        except errors.KubeError as error:
            if not initial or error.status not in _NO_WATCH_LIST:
                raise
            pace.without_watch_lists()


async def _initial(events: AsyncIterator[Event], known: _Known) -> AsyncGenerator[Change, None]:
    """What a stream says of all that exists, up to the bookmark that ends it.

    Raises: Invalid for a cluster that follows at once instead; Unreachable when the stream ends before.
    """
    async for event_type, found in events:
        if event_type != "BOOKMARK":
            for change in known.exists(found):
                yield change
        elif ends_initial(found):
            for change in known.end(found["metadata"]["resourceVersion"]):
                yield change
            return
        else:
            raise errors.Invalid("The cluster does not say where what exists ends.", status=422)
    raise errors.Unreachable("The cluster ended a watch before it had told what exists.", reason="Connection")


async def _listed(target: Collection, known: _Known, exactly: str = "") -> AsyncGenerator[Change, None]:
    """What lists say of all that exists, or existed at a version."""
    async with aclosing(target.pages(exactly)) as pages:
        async for page in pages:
            if page.anew:
                known.begin()
            for item in page.items:
                for change in known.exists(item):
                    yield change
            if page.last:
                for change in known.end(exactly or page.version):
                    yield change


async def _missed(target: Collection, known: _Known) -> AsyncGenerator[Change, None]:
    """Compares what is known with what was there at the very version up to which everything was told.

    Whatever differs is told, and counted: a watch has kept it back.
    """
    try:
        async with aclosing(_listed(target, known, known.version)) as changes:
            async for change in changes:
                LOST.labels(known.kind).inc()
                log.warning("a watch has kept a change back", kind=known.kind, type=change.type)
                yield change
    except errors.Gone:
        return  # the version is not kept any more; the next connection's may be


def _is_older(version: str, than: str) -> bool:
    """Versions are opaque, but where they count up they never go back."""
    return version.isdecimal() and than.isdecimal() and int(version) < int(than)
