"""The hub of live logs: whoever watches the same instance shares one reading of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from kube.clients import Cluster
from kube.pods import ContainerEvent, Containers
from kube.tail import Source, Tail
from live import process
from live.log_events import LogEnd, LogHeartbeat
from live.log_feed import Upstream
from live.log_filter import Filter
from live.log_group import Group, Instance
from live.log_viewer import Viewer
from rules.refusals import Refused
from settings import settings

Open = Callable[[str, str], Awaitable[Instance]]


class InCluster:
    """The containers of an instance's namespace, as its cluster tells of them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._containers = Containers(cluster, namespace)

    def events(self) -> AsyncGenerator[ContainerEvent, None]:
        return self._containers.events()

    def tail(self, source: Source) -> Upstream:
        return Tail(self._cluster, source, lambda: self._containers.standing(source))

    def before(self, source: Source) -> Upstream:
        return Tail(self._cluster, source, lambda: "REPLACED")


async def open_instance(cluster_id: str, namespace: str) -> Instance:
    """What the hub reads from. Raises: KubeError when the cluster's access cannot be used."""
    return InCluster(await process.current().clusters.of(cluster_id), namespace)


@dataclass(frozen=True, slots=True)
class Stream:
    """One viewer's place in the hub."""

    viewer: Viewer
    group: Group

    def heartbeat(self) -> LogHeartbeat:
        """A sign of life."""
        return self.viewer.heartbeat(self.group.upstreams(self.viewer.filter))


class Hub:
    """Groups by cluster and namespace. A group that nobody watches is kept for a while, for people come back."""

    def __init__(self, open: Open = open_instance) -> None:
        self._open = open
        self._groups: dict[tuple[str, str], Group] = {}
        self._streams: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def stream(
        self, user_id: str, cluster_id: str, namespace: str, filter: Filter, tail: int, *, previous: bool = False
    ) -> Iterator[Stream]:
        """A viewer's stream for the length of a block; with `previous`, of the runs before the present ones.

        Raises: Refused QUOTA_EXCEEDED when there are too many.
        """
        group = self._groups.get((cluster_id, namespace))
        self._check(user_id, len(group.viewers) if group is not None else 0)
        if group is None:
            group = self._groups[cluster_id, namespace] = Group(partial(self._open, cluster_id, namespace), self._over)
            group.start()
        viewer = Viewer(filter, tail)
        self._streams[user_id] += 1
        if previous:
            group.look_back(viewer)
        else:
            group.join(viewer)
        try:
            yield Stream(viewer, group)
        finally:
            group.leave(viewer)
            self._streams[user_id] -= 1
            if not self._streams[user_id]:
                del self._streams[user_id]
            asyncio.get_running_loop().call_later(settings().log_linger, self._reap, group)

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
        if group not in self._groups.values():
            return
        if group.viewers:
            group.reap()
        else:
            self._over(group)

    def _over(self, group: Group) -> None:
        for key in [key for key, other in self._groups.items() if other is group]:
            del self._groups[key]
        task = asyncio.create_task(group.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


hub = Hub()
"""The one of this process."""
