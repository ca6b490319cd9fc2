"""How a pod stands, cut down to what people look at: a pod of 14 KB takes about one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any, Literal

from kube.labels import SERVICE
from kube.workloads import is_ready, why_not

_LONGEST = 1_000

Phase = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "UNKNOWN"]
Running = Literal["WAITING", "RUNNING", "TERMINATED"]
_PHASES: dict[str, Phase] = {
    "Pending": "PENDING",
    "Running": "RUNNING",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
}


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container. init: whether it prepares the pod. reason, message: Kubernetes' words for why it waits or ended.

    exit_code: of its present end; None while it has not ended. since: when it began to run, or ended.
    last_reason, last_exit_code: of the run before.
    """

    name: str
    image: str
    init: bool
    ready: bool
    restarts: int
    state: Running
    reason: str
    message: str
    exit_code: int | None
    since: datetime | None
    last_reason: str
    last_exit_code: int | None


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod. service: the app service's name. reason: why it is not ready, in Kubernetes' own word; empty if it is.

    terminating: whether it is being deleted. node: empty while no node has taken it.
    """

    uid: str
    name: str
    service: str
    phase: Phase
    ready: bool
    terminating: bool
    reason: str
    message: str
    restarts: int
    node: str
    created: datetime | None
    containers: tuple[ContainerState, ...]


def pod_state(pod: dict[str, Any]) -> PodState:
    """A pod as the API gives it, cut down."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    containers = tuple(_containers(pod, status))
    ready = is_ready(pod)
    return PodState(
        metadata["uid"],
        metadata["name"],
        intern(str((metadata.get("labels") or {}).get(SERVICE) or "")),
        _PHASES.get(str(status.get("phase")), "UNKNOWN"),
        ready,
        bool(metadata.get("deletionTimestamp")),
        "" if ready else intern(why_not(pod)),
        str(status.get("message") or "")[:_LONGEST],
        sum(each.restarts for each in containers),
        intern(str((pod.get("spec") or {}).get("nodeName") or "")),
        _time(metadata.get("creationTimestamp")),
        containers,
    )


def _containers(pod: dict[str, Any], status: dict[str, Any]) -> Iterator[ContainerState]:
    spec = pod.get("spec") or {}
    for part, statuses in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        known = {each["name"]: each for each in status.get(statuses) or []}
        for each in spec.get(part) or []:
            yield _container(each, known.get(each["name"]) or {}, init=part == "initContainers")


def _container(spec: dict[str, Any], status: dict[str, Any], *, init: bool) -> ContainerState:
    state = status.get("state") or {}
    running, ended, waiting = (state.get(name) or {} for name in ("running", "terminated", "waiting"))
    before = (status.get("lastState") or {}).get("terminated") or {}
    why = ended or waiting
    return ContainerState(
        intern(str(spec["name"])),
        intern(str(spec.get("image") or "")),
        init,
        bool(status.get("ready")),
        int(status.get("restartCount") or 0),
        "TERMINATED" if ended else "RUNNING" if running else "WAITING",
        intern(str(why.get("reason") or "")),
        str(why.get("message") or "")[:_LONGEST],
        ended.get("exitCode"),
        _time(ended.get("finishedAt") or running.get("startedAt")),
        intern(str(before.get("reason") or "")),
        before.get("exitCode"),
    )


def _time(stamp: str | None) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None
