"""How a workload is, judged from its object and its pods as the API gives them; pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from kube.labels import TEMPLATE, WORKLOAD

Manifest = Mapping[str, Any]

# What a waiting container says while all is well.
_STARTING = {"", "ContainerCreating", "PodInitializing"}


@dataclass(frozen=True, slots=True)
class Runtime:
    """Replicas that are ready and that there should be, and why they differ (empty where they do not).

    `reason` is Kubernetes' own word: ImagePullBackOff, CrashLoopBackOff, Unschedulable, OOMKilled, NotReady ...
    """

    ready: int
    desired: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """What of a pod tells how its workload is. reason: why it is not ready; empty while nothing is wrong."""

    workload: str
    ready: bool
    ending: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workload wants. refused: why its pods may not be made, empty when they may."""

    workload: str
    desired: int
    refused: str


def replica(pod: Manifest) -> Replica:
    """A pod cut down to what is kept of it: one of 14 KB takes 100 bytes."""
    ready = is_ready(pod)
    ending = bool(pod["metadata"].get("deletionTimestamp"))
    return Replica(_workload(pod), ready, ending, "" if ready else intern(why_not(pod)))


def wanted(workload: Manifest) -> Wanted:
    """The same of a workload."""
    failure = condition(workload, "ReplicaFailure")
    refused = str(failure.get("reason", "")) if failure.get("status") == "True" else ""
    return Wanted(_workload(workload), desired_replicas(workload), refused)


def runtime(workload: Wanted, pods: Iterable[Replica]) -> Runtime:
    """How the workload is now, whichever template its pods come from."""
    own = [pod for pod in pods if workload.workload and pod.workload == workload.workload and not pod.ending]
    ready = min(workload.desired, sum(pod.ready for pod in own))
    if ready >= workload.desired:
        return Runtime(ready, workload.desired)
    reasons = [pod.reason for pod in own if pod.reason]
    return Runtime(ready, workload.desired, reasons[0] if reasons else workload.refused or "NotReady")


def pods_of(workload: Manifest, pods: Iterable[Manifest]) -> list[Manifest]:
    """Those of the pods that carry the workload's label."""
    wanted = workload["metadata"].get("labels", {}).get(WORKLOAD)
    return [pod for pod in pods if wanted and pod["metadata"].get("labels", {}).get(WORKLOAD) == wanted]


def current(workload: Manifest, pods: Iterable[Manifest]) -> list[Manifest]:
    """The workload's pods of its present template, without those that are ending."""
    template = workload["spec"]["template"]["metadata"].get("annotations", {}).get(TEMPLATE)
    return [
        pod
        for pod in pods_of(workload, pods)
        if not pod["metadata"].get("deletionTimestamp")
        and (updates_by_hand(workload) or pod["metadata"].get("annotations", {}).get(TEMPLATE) == template)
    ]


def desired_replicas(workload: Manifest) -> int:
    if workload["kind"] == "DaemonSet":
        return int(workload.get("status", {}).get("desiredNumberScheduled") or 0)
    replicas = workload["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def is_probed(workload: Manifest) -> bool:
    """Whether each of its containers has a probe that says when it is ready."""
    return all("readinessProbe" in container for container in workload["spec"]["template"]["spec"]["containers"])


def updates_by_hand(workload: Manifest) -> bool:
    """Whether its pods are only replaced when somebody deletes them, so that a rollout changes none."""
    return bool((workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete")


def is_rolled_out(workload: Manifest) -> bool:
    """Whether the controller has seen the present template, and its available replicas are all that there are."""
    status, desired = workload.get("status", {}), desired_replicas(workload)
    if (status.get("observedGeneration") or 0) < workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "DaemonSet":
        updated, available = status.get("updatedNumberScheduled") or 0, status.get("numberAvailable") or 0
        total = desired
    else:
        updated, available = status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0
        total = status.get("replicas") or 0
    if workload["kind"] == "StatefulSet" and status.get("currentRevision") == status.get("updateRevision"):
        updated = total  # after a rollout the controller counts them as current, not as updated
    fresh = updates_by_hand(workload) or (updated >= desired and total <= max(updated, desired))
    return bool(fresh and available >= desired and total >= desired)


def is_ready(pod: Manifest) -> bool:
    return bool(condition(pod, "Ready").get("status") == "True")


def condition(found: Manifest, name: str) -> Mapping[str, Any]:
    """The condition of this type, or an empty mapping."""
    for entry in found.get("status", {}).get("conditions") or []:
        if entry.get("type") == name:
            return dict(entry)
    return {}


def container_statuses(pod: Manifest) -> list[Mapping[str, Any]]:
    """The states of its containers, those that prepare it first."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _workload(found: Manifest) -> str:
    return intern(str(found["metadata"].get("labels", {}).get(WORKLOAD) or ""))


def why_not(pod: Manifest) -> str:
    """Kubernetes' own word for what is wrong with a pod; empty while nothing is."""
    for status in container_statuses(pod):
        state, last = status.get("state") or {}, status.get("lastState") or {}
        waiting = (state.get("waiting") or {}).get("reason") or ""
        if waiting == "CrashLoopBackOff" and (last.get("terminated") or {}).get("reason") == "OOMKilled":
            return "OOMKilled"
        if waiting not in _STARTING:
            return str(waiting)
        ended = state.get("terminated") or {}
        if ended.get("exitCode"):
            return str(ended.get("reason") or "Error")
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return str(scheduled.get("reason") or "Unschedulable")
    return str(pod.get("status", {}).get("reason") or "")
