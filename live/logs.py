"""The hub of live logs: whoever watches the same instance shares one reading of it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from kube.clients import Cluster
from kube.log_past import Past
from kube.log_records import Position, Record, Source, Standing
from kube.pods import ContainerEvent, Containers
from kube.tail import Tail
from live import log_archive, log_exchange, process
from live.log_cursor import Scope
from live.log_events import LogEnd, LogHeartbeat, LogPage
from live.log_exchange import Exchange
from live.log_feed import Upstream
from live.log_filter import Filter
from live.log_group import Group, Instance
from live.log_room import Room
from live.log_shared import SharedLog, name_of
from live.log_viewer import Viewer
from models.keyring import Keyring
from rules.refusals import Refused
from settings import settings

_PAGES = 8
"""Pages of the past that are read from one cluster at once; others wait."""

Open = Callable[[str, str], Awaitable[Instance]]


@dataclass(frozen=True, slots=True)
class Home:
    """Where an instance runs."""

    instance_id: str
    cluster_id: str
    namespace: str


class InCluster:
    """The containers of an instance's namespace, as its cluster tells of them."""

    def __init__(
        self, cluster: Cluster, namespace: str, exchange: Exchange | None = None, cluster_id: str = ""
    ) -> None:
        """exchange: where other replicas are, which need not read what this one reads."""
        self._cluster = cluster
        self._containers = Containers(cluster, namespace)
        self._exchange = exchange
        self._cluster_id = cluster_id

    def events(self) -> AsyncGenerator[ContainerEvent, None]:
        return self._containers.events()

    def tail(self, source: Source) -> Upstream:
        def open(after: Position | None) -> Tail:
            return Tail(self._cluster, source, lambda: self._containers.standing(source), after=after)

        if self._exchange is None:
            return open(None)
        return SharedLog(self._exchange, name_of(self._cluster_id, source), open)

    def before(self, source: Source) -> Upstream:
        return Tail(self._cluster, source, lambda: "REPLACED")

    def rest(
        self, source: Source, after: Position | None, *, inclusive: bool, previous: bool
    ) -> AsyncGenerator[list[Record], None]:
        standing: Standing = "REPLACED" if previous else "ENDED"
        return Tail(self._cluster, source, lambda: standing, after=after, inclusive=inclusive).rest()

    async def now(self) -> list[ContainerEvent]:
        return await self._containers.now()

    def past(self, source: Source, *, previous: bool) -> Past:
        return Past(self._cluster, source, previous)

    async def first(self, source: Source, *, previous: bool) -> int | None:
        return await self.past(source, previous=previous).first()


async def open_instance(cluster_id: str, namespace: str) -> InCluster:
    """What the hub reads from. Raises: KubeError when the cluster's access cannot be used."""
    cluster = await process.current().clusters.of(cluster_id)
    return InCluster(cluster, namespace, log_exchange.current(), cluster_id)


def _keyring() -> Keyring:
    return process.current().keyring


@dataclass(frozen=True, slots=True)
class Stream:
    """One viewer's place in the hub."""

    viewer: Viewer
    group: Group

    def heartbeat(self) -> LogHeartbeat:
        """A sign of life."""
        return self.group.heartbeat(self.viewer)


class Hub:
    """Groups by instance. A group that nobody watches is kept for a while, for people come back.

    open: gives what to read from. keyring: what signs cursors.
    """

    def __init__(self, open: Open = open_instance, keyring: Callable[[], Keyring] = _keyring) -> None:
        self._open = open
        self._keyring = keyring
        self._groups: dict[Home, Group] = {}
        self._streams: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()
        self._rooms: dict[str, Room] = {}
        self._pages = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_PAGES))

    @contextmanager
    def stream(
        self, user_id: str, home: Home, filter: Filter, *, tail: int = 200, after: str | None = None
    ) -> Iterator[Stream]:
        """A viewer's stream for the length of a block: the last lines, or what is behind a cursor, and what comes.

        Raises: Refused QUOTA_EXCEEDED when there are too many, INVALID_CURSOR.
        """
        places = self._scope(home, filter).read(after, "after") if after is not None else None
        group = self._groups.get(home)
        self._check(user_id, group.viewers if group is not None else 0)
        if group is None:
            opened = partial(self._open, home.cluster_id, home.namespace)
            group = Group(partial(self._scope, home), opened, self._room(home.cluster_id), self._over)
            self._groups[home] = group
            group.start()
        viewer = group.join(filter, tail, places)
        self._streams[user_id] += 1
        try:
            yield Stream(viewer, group)
        finally:
            group.leave(viewer)
            self._streams[user_id] -= 1
            if not self._streams[user_id]:
                del self._streams[user_id]
            asyncio.get_running_loop().call_later(settings().log_linger, self._reap, group)

    def _room(self, cluster_id: str) -> Room:
        if cluster_id not in self._rooms:
            self._rooms[cluster_id] = Room(partial(self._let_go, cluster_id))
        return self._rooms[cluster_id]

    def _let_go(self, cluster_id: str) -> None:
        """Stops at once what nobody watches on a cluster that has no room left."""
        for home, group in list(self._groups.items()):
            if home.cluster_id == cluster_id and not group.viewers:
                self._over(group)

    def _scope(self, home: Home, filter: Filter) -> Scope:
        return Scope(home.instance_id, filter.digest, self._keyring)

    async def page(
        self, home: Home, filter: Filter, limit: int, *, before: str | None, after: str | None, horizon: bool
    ) -> LogPage:
        """Lines behind one cursor or in front of another, or the last ones of all, read from the cluster.

        Raises: Refused INVALID_CURSOR, KubeError when the cluster cannot be asked.
        """
        scope = self._scope(home, filter)
        places = {
            name: scope.read(text, name) if text is not None else None
            for name, text in (("before", before), ("after", after))
        }
        wanted = log_archive.Wanted(filter, limit, places["before"], places["after"], horizon)
        async with self._pages[home.cluster_id]:
            return await log_archive.page(await self._open(home.cluster_id, home.namespace), scope, wanted)

    async def close(self) -> None:
        """Ends every stream, saying that the server is ending, and stops all reading."""
        groups = list(self._groups.values())
        self._groups.clear()
        for group in groups:
            group.end(LogEnd("SERVER_DRAIN", True))
        await asyncio.gather(*(group.close() for group in groups), *self._closing)

    def _check(self, user_id: str, viewers: int) -> None:
        chosen = settings()
        for count, limit, whose in (
            (self._streams[user_id], chosen.log_streams_per_user, "you have"),
            (viewers, chosen.log_viewers_per_instance, "the instance has"),
        ):
            if count >= limit:
                raise Refused(
                    "QUOTA_EXCEEDED",
                    f"There can be {limit} log streams at once, and {whose} as many.",
                    "Close one of them first.",
                    retryable=True,
                    details={"limit": limit},
                )

    def _reap(self, group: Group) -> None:
        """Stops what nobody came back for."""
        if group in self._groups.values():
            group.reap()
            if not group.wanted:
                self._over(group)

    def _over(self, group: Group) -> None:
        for key in [key for key, other in self._groups.items() if other is group]:
            del self._groups[key]
        task = asyncio.create_task(group.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


hub = Hub()
"""The one of this process."""
