"""The pods of instances, followed while somebody watches and for a while after: one watch a namespace, however many."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from kube.clients import Cluster
from kube.errors import KubeError
from kube.labels import MANAGED
from kube.pod_states import PodState, pod_state
from kube.resources import POD
from kube.watch import Change, follow
from live import process
from rules.refusals import Refused
from settings import settings

log = structlog.get_logger(__name__)

_MOST_WAITING = 50
"""Events that a viewer may leave unread; beyond them it gets all pods anew."""


@dataclass(frozen=True, slots=True)
class PodsSnapshot:
    """All pods, by name. stale: whether they may have changed since; reason: why."""

    at: datetime
    pods: tuple[PodState, ...]
    stale: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PodsChanged:
    """Pods that are new or another way, and the UIDs of those that are gone."""

    at: datetime
    changed: tuple[PodState, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PodsStale:
    """What was told may have changed since; reason: why it is not followed at present."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PodsCurrent:
    """It is followed again; what changed meanwhile comes next."""

    at: datetime


PodsEvent = PodsSnapshot | PodsChanged | PodsStale | PodsCurrent
Open = Callable[[str], Awaitable[Cluster]]
Home = tuple[str, str]
"""The ids of a cluster, and the name of a namespace."""


class Pods:
    """Those of one namespace. Runs from `start` to `stop`."""

    def __init__(self, home: Home, open: Open, over: Callable[["Pods"], None]) -> None:
        self._home = home
        self._open = open
        self._over = over
        self.watchers: set[Watcher] = set()
        self.told = False
        """Whether anything is known: that all was read, or why it cannot be."""
        self.reaping: asyncio.TimerHandle | None = None
        self._pods: dict[str, PodState] = {}
        self._dirty: dict[str, None] = {}
        self._stale: str | None = "The pods are being read."
        self._task: asyncio.Task[None] | None = None
        self._flush: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        for timer in (self._flush, self.reaping):
            if timer is not None:
                timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def snapshot(self) -> PodsSnapshot:
        """All pods as they are known."""
        self._hand_out()
        pods = tuple(sorted(self._pods.values(), key=lambda pod: pod.name))
        return PodsSnapshot(datetime.now(UTC), pods, self._stale is not None, self._stale or "")

    async def _run(self) -> None:
        try:
            cluster = await self._open(self._home[0])
            stream: AsyncGenerator[Change, None] = follow(cluster, POD, namespace=self._home[1], labels=MANAGED)
            async with aclosing(stream) as changes:
                async for change in changes:
                    self._note(change)
        except KubeError as problem:
            self._troubled(problem.message)
        except Exception:  # among them RuntimeError: the client was closed, for the cluster is reached another way now
            log.info("the pods of a namespace cannot be followed any more", exc_info=True)
        self._over(self)
        for watcher in self.watchers:
            watcher.over = True
            watcher.wake()

    def _note(self, change: Change) -> None:
        if change.type == "SYNCED":
            self.told = True
            if self._stale is not None:
                self._stale = None
                self._hand_out()
                self._tell(PodsCurrent(datetime.now(UTC)))
            self._wake()
        elif change.type == "SYNCING":
            self._troubled("The pods are being read anew.")
        elif change.error is not None:
            self._troubled(change.error.message)
        else:
            uid = change.object["metadata"]["uid"]
            if change.type == "DELETED":
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = pod_state(change.object)
            self._dirty[uid] = None
            if self._flush is None:
                self._flush = asyncio.get_running_loop().call_later(settings().log_flush, self._hand_out)

    def _troubled(self, reason: str) -> None:
        known, self.told = self.told and self._stale is not None, True
        self._stale = reason
        if not known:
            self._hand_out()
            self._tell(PodsStale(datetime.now(UTC), reason))
        self._wake()

    def _hand_out(self) -> None:
        """Tells everybody what has changed since the last time, each pod once."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        dirty, self._dirty = self._dirty, {}
        if dirty:
            changed = tuple(self._pods[uid] for uid in dirty if uid in self._pods)
            removed = tuple(uid for uid in dirty if uid not in self._pods)
            self._tell(PodsChanged(datetime.now(UTC), changed, removed))

    def _tell(self, event: PodsEvent) -> None:
        for watcher in self.watchers:
            watcher.put(event)

    def _wake(self) -> None:
        for watcher in self.watchers:
            watcher.wake()


class Watcher:
    """One reader. What it does not read in time is put together into one snapshot. over: nothing will come any more."""

    def __init__(self, pods: "Pods") -> None:
        self.over = False
        self._pods = pods
        self._begun = False
        self._waiting: deque[PodsEvent] = deque()
        self._bell = asyncio.Event()

    def put(self, event: PodsEvent) -> None:
        """Hands an event over; before its first snapshot a reader needs none."""
        if self._begun:
            self._waiting.append(event)
            if len(self._waiting) > _MOST_WAITING:
                self._begun = False
                self._waiting.clear()
            self._bell.set()

    def wake(self) -> None:
        """Has it look whether it has anything to tell."""
        self._bell.set()

    async def next(self, wait: float) -> PodsEvent | None:
        """The next event; None when none comes within so many seconds, or when it was woken for another reason."""
        if not self._due:
            self._bell.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._bell.wait()
        if not self._begun and self._pods.told:
            self._begun = True
            return self._pods.snapshot()
        return self._waiting.popleft() if self._waiting else None

    @property
    def _due(self) -> bool:
        return bool(self._waiting) or (not self._begun and self._pods.told)


class PodHub:
    """Pods by namespace. A namespace that nobody watches any more is followed for a while, for people come back."""

    def __init__(self, open: Open | None = None) -> None:
        self._open = open or _client
        self._followed: dict[Home, Pods] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def watching(self, home: Home) -> Iterator[Watcher]:
        """A reader for the length of a block. Raises: Refused QUOTA_EXCEEDED when too many namespaces are followed."""
        pods = self._followed.get(home)
        if pods is None:
            self._make_room(home[0])
            pods = self._followed[home] = Pods(home, self._open, self._gone)
            pods.start()
        if pods.reaping is not None:
            pods.reaping.cancel()
        watcher = Watcher(pods)
        pods.watchers.add(watcher)
        try:
            yield watcher
        finally:
            pods.watchers.discard(watcher)
            if not pods.watchers:
                pods.reaping = asyncio.get_running_loop().call_later(settings().pod_linger, self._gone, pods)

    def _make_room(self, cluster_id: str) -> None:
        limit = settings().pod_watches_per_cluster
        own = [pods for home, pods in self._followed.items() if home[0] == cluster_id]
        if len(own) < limit:
            return
        idle = next((pods for pods in own if not pods.watchers), None)
        if idle is None:
            raise Refused(
                "QUOTA_EXCEEDED",
                f"The pods of {limit} instances of this cluster are being watched, and there can be no more.",
                "Try again when others have stopped, or have the operator raise BERTH_POD_WATCHES_PER_CLUSTER.",
                retryable=True,
                details={"limit": limit},
            )
        self._gone(idle)

    def _gone(self, pods: Pods) -> None:
        for home in [home for home, other in self._followed.items() if other is pods]:
            del self._followed[home]
            task = asyncio.create_task(pods.stop())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    @property
    def followed(self) -> int:
        """How many namespaces are followed."""
        return len(self._followed)

    async def close(self) -> None:
        """Stops following."""
        for pods in list(self._followed.values()):
            self._gone(pods)
        await asyncio.gather(*self._closing)


async def _client(cluster_id: str) -> Cluster:
    return await process.current().clusters.of(cluster_id)


pod_hub = PodHub()
"""The one of this process."""
