"""The containers of an instance as they come, restart and end, told from a watch of its pods."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from kube.clients import Cluster
from kube.errors import KubeError
from kube.labels import MANAGED, SERVICE
from kube.lines import parse_time
from kube.log_records import Source, Standing
from kube.resources import POD
from kube.watch import follow as watch

EventType = Literal["JOINED", "RESTARTED", "WAITING", "ENDED", "LEFT", "SYNCED", "TROUBLE"]
_STARTING = {"", "ContainerCreating", "PodInitializing"}


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """What happened to a container.

    JOINED: its log can be read. RESTARTED: `source` is its new run; reason and exit_code tell of the one before.
    WAITING: it does not start, for this reason. ENDED: it has run to its end. LEFT: its pod is gone.
    SYNCED: all that was there has been told. TROUBLE: the watch has broken and is taken up again; `error` says why.
    fresh: whether it began after the watch did, so that its log is wanted from the first line. node: where it runs.
    before: the id of the run before this one, whose log can still be had; empty without one. started, before_started:
    when the two began, in nanoseconds; 0 where that is not known.
    """

    type: EventType
    source: Source | None = None
    service: str = ""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    restarts: int = 0
    fresh: bool = False
    node: str = ""
    before: str = ""
    started: int = 0
    before_started: int = 0
    error: KubeError | None = None


@dataclass(slots=True)
class _Container:
    source: Source
    service: str
    told: tuple[str, ...] = ()


class Containers:
    """Follows the containers of a namespace, or of one service in it, and knows how each run stands."""

    def __init__(self, cluster: Cluster, namespace: str, service: str | None = None) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._labels = MANAGED if service is None else f"{MANAGED},{SERVICE}={service}"
        self._known: dict[tuple[str, str], _Container] = {}
        self._standing: dict[Source, Standing] = {}
        self._synced = False

    def standing(self, source: Source) -> Standing:
        """How this run of the container is, as far as the watch has told; for a `Tail` of it."""
        return self._standing.get(source, "GONE")

    async def events(self) -> AsyncGenerator[ContainerEvent, None]:
        """Every event from now on, those of the containers that are there already first. Close it with `aclosing`."""
        stream = watch(self._cluster, POD, namespace=self._namespace, labels=self._labels)
        async with aclosing(stream) as changes:
            async for change in changes:
                if change.type == "SYNCED":
                    self._synced = True
                    yield ContainerEvent("SYNCED")
                elif change.type == "SYNCING":
                    continue
                elif change.type == "TROUBLE":
                    yield ContainerEvent("TROUBLE", error=change.error)
                elif change.type == "DELETED":
                    for event in self._left(change.object):
                        yield event
                else:
                    for event in self._changed(change.object):
                        yield event

    async def now(self) -> list[ContainerEvent]:
        """What `events` would tell first. Raises: KubeError."""
        path = POD.path(self._namespace)
        query: dict[str, str | int | bool] = {"labelSelector": self._labels, "limit": 500}
        events: list[ContainerEvent] = []
        while True:
            page = await self._cluster.request("GET", path, query=query)
            events += [event for pod in page.get("items") or [] for event in self._changed(pod)]
            token = page["metadata"].get("continue")
            if not token:
                return events
            query["continue"] = token

    def _changed(self, pod: dict[str, Any]) -> Iterator[ContainerEvent]:
        for status in _statuses(pod):
            yield from self._container(pod, status)

    def _container(self, pod: dict[str, Any], status: dict[str, Any]) -> Iterator[ContainerEvent]:
        state, last = status.get("state") or {}, status.get("lastState") or {}
        running, ended = state.get("running") or {}, state.get("terminated") or {}
        waiting, before = state.get("waiting") or {}, last.get("terminated") or {}
        metadata = pod["metadata"]
        key = metadata["uid"], status["name"]
        service = metadata.get("labels", {}).get(SERVICE, "")
        # The kubelet serves the log of the run that is, else of the one that was.
        run = (status.get("containerID") if running else "") or ended.get("containerID") or before.get("containerID")
        known = self._known.get(key)
        restarts = int(status.get("restartCount") or 0)
        if run and (known is None or known.source.container_id != run):
            source = Source(self._namespace, metadata["name"], metadata["uid"], status["name"], run)
            restarted = known is not None and known.source.container_id != ""
            if known is not None and restarted:
                self._standing[known.source] = "REPLACED"
                self._forget(known.source)
            known = self._known[key] = _Container(source, service)
            self._standing[source] = "RUNNING" if running else "ENDED"
            yield ContainerEvent(
                "RESTARTED" if restarted else "JOINED",
                source,
                service,
                reason=str(before.get("reason") or ""),
                exit_code=before.get("exitCode"),
                restarts=restarts,
                fresh=self._synced,
                node=str(pod["spec"].get("nodeName") or ""),
                before=str(before.get("containerID") or "") if before.get("containerID") != run else "",
                before_started=_time(before.get("startedAt")),
                started=_time((running or ended).get("startedAt")),
            )
        elif known is not None and run:
            self._standing[known.source] = "RUNNING" if running else "ENDED"
        told: tuple[str, ...] = ()
        event = None
        reason = str(waiting.get("reason") or "")
        if reason not in _STARTING:
            told = ("WAITING", reason)
            source = known.source if known else Source(self._namespace, metadata["name"], *key, "")
            message = str(waiting.get("message") or "")
            event = ContainerEvent("WAITING", source, service, reason, message, restarts=restarts)
        elif ended and known is not None:
            told = ("ENDED", run or "")
            code, why = ended.get("exitCode"), str(ended.get("reason") or "")
            event = ContainerEvent("ENDED", known.source, service, why, exit_code=code, restarts=restarts)
        holder = known or self._known.setdefault(
            key, _Container(Source(self._namespace, metadata["name"], *key, ""), service)
        )
        if event is not None and holder.told != told:
            yield event
        holder.told = told

    def _left(self, pod: dict[str, Any]) -> Iterator[ContainerEvent]:
        uid = pod["metadata"]["uid"]
        for key in [key for key in self._known if key[0] == uid]:
            left = self._known.pop(key)
            for source in [source for source in self._standing if source.pod_uid == uid]:
                del self._standing[source]
            yield ContainerEvent("LEFT", left.source, left.service)

    def _forget(self, replaced: Source) -> None:
        """Of the runs of one container only the present one and the one before it are kept in mind."""
        older = [
            source
            for source, standing in self._standing.items()
            if source.pod_uid == replaced.pod_uid
            and source.container == replaced.container
            and standing == "REPLACED"
            and source != replaced
        ]
        for source in older:
            del self._standing[source]


def _time(stamp: str | None) -> int:
    return parse_time(stamp.encode()) if stamp else 0


def _statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status", {})
    names = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    return [entry for name in names for entry in status.get(name) or []]
