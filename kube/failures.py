"""Why a rollout will not come to a good end, found by name before any deadline; pure functions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kube.workloads import Manifest, condition, container_statuses, is_ready

CRASHES = 3  # restarts: what waits for another service to come up may fall over once or twice
_IMAGE = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
_CONTAINER = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}

_PROBED = {"CRASH_LOOP", "PROGRESS_DEADLINE", "ROLLOUT_TIMED_OUT"}
_UNHEALTHY = re.compile(r"Unhealthy: (Liveness|Readiness|Startup) probe (?:failed|errored)")


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure. `patient`: it may pass by itself, and counts only when it has stayed for a while.

    pod, container: where it shows, for evidence; crashed: whether the container has lines from before its end.
    """

    code: str
    message: str
    pod: str = ""
    container: str = ""
    crashed: bool = False
    patient: bool = False


def of_pods(pods: Iterable[Manifest]) -> Failure | None:
    """The first failure that a workload's pods show, those that cannot pass first."""
    found = [failure for pod in pods if not is_ready(pod) and (failure := _of_pod(pod))]
    return min(found, key=lambda failure: failure.patient, default=None)


def of_workload(workload: Manifest) -> Failure | None:
    """What the workload's own conditions say: pods that cannot be made, or no progress in its own deadline."""
    failure = condition(workload, "ReplicaFailure")
    if failure.get("status") == "True":
        return of_refusal(str(failure.get("message", "")))
    progress = condition(workload, "Progressing")
    if progress.get("status") == "False" and progress.get("reason") == "ProgressDeadlineExceeded":
        return Failure("PROGRESS_DEADLINE", "Its pods did not become ready within its progress deadline.")
    return None


def of_probe(failure: Failure, evidence: Iterable[str]) -> Failure:
    """The failure by the name of a probe, when what Kubernetes warns of says that one fails and so explains it.

    One that ends its container explains more than one that only says that it is not ready.
    """
    if failure.code not in _PROBED:
        return failure
    said = {found[1]: text for text in evidence if (found := _UNHEALTHY.match(text))}
    if failure.code == "CRASH_LOOP":
        said.pop("Readiness", None)
    for probe in ("Startup", "Liveness", "Readiness"):
        if probe in said:
            text = said[probe].partition(": ")[2].strip()
            return replace(failure, code="PROBE_FAILED", message=f"{failure.message} {text}")
    return failure


def of_refusal(message: str) -> Failure:
    """A pod that the cluster did not let in, by the words of the refusal."""
    if "exceeded quota" in message:
        return Failure("QUOTA_EXCEEDED", f"The namespace's quota leaves no room for its pods: {message}", patient=True)
    if "violates PodSecurity" in message:
        return Failure("POLICY_DENIED", f"The cluster's pod security does not allow its pods: {message}", patient=True)
    return Failure("ADMISSION_DENIED", f"The cluster does not let its pods in: {message}", patient=True)


def _of_pod(pod: Manifest) -> Failure | None:
    name = pod["metadata"]["name"]
    for status in container_statuses(pod):
        container, image = status["name"], status.get("image", "")
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason, detail = waiting.get("reason") or "", waiting.get("message") or ""
        if reason in _IMAGE:
            text = f"The image {image} cannot be pulled: {detail or reason}"
            return Failure("IMAGE_PULL_FAILED", text, name, container)
        if reason in _CONTAINER:
            text = f"The container {container} cannot be made: {detail or reason}"
            return Failure("CONTAINER_CONFIG", text, name, container, patient=True)  # a busy kubelet says it too
        if reason == "CrashLoopBackOff" and (status.get("restartCount") or 0) >= CRASHES:
            ended = (status.get("lastState") or {}).get("terminated") or {}
            return Failure("CRASH_LOOP", _crash(container, ended), name, container, crashed=True)
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        text = f"No node can take the pod: {scheduled.get('message', '')}"
        return Failure("UNSCHEDULABLE", text, name, patient=True)
    return None


def _crash(container: str, ended: Manifest) -> str:
    if ended.get("reason") == "OOMKilled":
        return f"The container {container} crashes again and again: it needs more memory than its limit (OOMKilled)."
    code = ended.get("exitCode")
    return f"The container {container} crashes again and again" + (f" with exit code {code}." if code else ".")
