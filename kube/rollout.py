"""A rollout followed to its end: progress in numbers, failures by name, by one watch for each kind of object."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from catalogue.release import InstancePlan
from kube import evidence, failures
from kube.clients import Cluster
from kube.errors import CircuitOpen, Forbidden, Unauthorized
from kube.failures import Failure
from kube.labels import MANAGED
from kube.resources import DAEMON_SET, DEPLOYMENT, POD, STATEFUL_SET, Resource
from kube.watch import Change
from kube.watch import follow as watch
from kube.workloads import Manifest, current, desired_replicas, is_probed, is_ready, is_rolled_out

PATIENCE = 60.0  # seconds that a failure which may pass by itself must stay: nodes are added, quotas freed
_TICK = 1.0
SETTLE = 1.0
"""Seconds that pods without a probe must stay ready: such a container counts as ready as soon as it has begun, also one
that falls over at once."""
_KINDS = {"deployment": DEPLOYMENT, "statefulset": STATEFUL_SET, "daemonset": DAEMON_SET}


@dataclass(frozen=True, slots=True)
class Progress:
    """One workload has moved: `ready` of `desired` replicas of its present template are ready."""

    service: str
    workload: str
    ready: int
    desired: int
    message: str


class RolloutFailed(Exception):  # noqa: N818 - it is the result of a rollout, by name
    """A rollout will not come to a good end.

    code: IMAGE_PULL_FAILED, CONTAINER_CONFIG, CRASH_LOOP, UNSCHEDULABLE, QUOTA_EXCEEDED, POLICY_DENIED,
    ADMISSION_DENIED, PROBE_FAILED, PROGRESS_DEADLINE, WORKLOAD_MISSING or ROLLOUT_TIMED_OUT.
    evidence: the container's last lines, then Kubernetes' warnings, newest first.
    """

    def __init__(self, service: str, code: str, message: str, evidence: list[str]) -> None:
        super().__init__(message)
        self.service = service
        self.code = code
        self.message = message
        self.evidence = evidence


@dataclass(slots=True)
class _Followed:
    """What is known of one workload of the plan."""

    service: str
    resource: Resource
    name: str
    told: tuple[int, int, bool] | None = None
    failing: tuple[Failure, float] | None = None
    up_since: float | None = None

    @property
    def done(self) -> bool:
        return self.told is not None and self.told[2]


@dataclass(slots=True)
class _Seen:
    """The namespace's objects as the watches tell them, by kind and name."""

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    synced: set[str] = field(default_factory=set)

    def note(self, kind: str, change: Change) -> None:
        if change.type == "SYNCED":
            self.synced.add(kind)
        elif change.type == "SYNCING":
            self.synced.discard(kind)
        elif change.type == "TROUBLE":
            if isinstance(change.error, (Unauthorized, Forbidden, CircuitOpen)):
                raise change.error
        else:
            key = kind, change.object["metadata"]["name"]
            if change.type == "DELETED":
                self.objects.pop(key, None)
            else:
                self.objects[key] = change.object

    def pods(self) -> list[dict[str, Any]]:
        return [found for (kind, _), found in self.objects.items() if kind == POD.kind]


async def follow(
    cluster: Cluster,
    namespace: str,
    plan: InstancePlan,
    *,
    deadline: float | None = None,
    patience: float = PATIENCE,
) -> AsyncGenerator[Progress, None]:
    """Tells each workload's progress, at first and at each change, and ends when all of them run as they should.

    Raises RolloutFailed, with evidence, as soon as a workload cannot come to a good end, or after `deadline` seconds;
    KubeError when the cluster refuses the watch itself or falls silent. Errors that may pass are waited out.
    """
    workloads = [
        _Followed(service.name, _KINDS[workload.kind], workload.object_name)
        for service in plan.services
        for workload in service.workloads
    ]
    async with aclosing(_follow(cluster, namespace, workloads, deadline, patience)) as told:
        async for progress in told:
            yield progress


async def follow_objects(
    cluster: Cluster,
    namespace: str,
    objects: Mapping[str, Iterable[Manifest]],
    *,
    deadline: float | None = None,
    patience: float = PATIENCE,
) -> AsyncGenerator[Progress, None]:
    """As `follow`, for the workloads among objects that were applied, by the names of their services."""
    resources = {resource.kind: resource for resource in _KINDS.values()}
    workloads = [
        _Followed(service, resources[made["kind"]], made["metadata"]["name"])
        for service, each in objects.items()
        for made in each
        if made["kind"] in resources
    ]
    async with aclosing(_follow(cluster, namespace, workloads, deadline, patience)) as told:
        async for progress in told:
            yield progress


async def _follow(
    cluster: Cluster, namespace: str, workloads: list[_Followed], deadline: float | None, patience: float
) -> AsyncGenerator[Progress, None]:
    if not workloads:
        return
    ends = None if deadline is None else time.monotonic() + deadline
    resources = {POD} | {workload.resource for workload in workloads}
    seen = _Seen()
    async with _watched(cluster, namespace, resources) as changes:
        while True:
            wait = SETTLE / 4 if any(one.up_since is not None and not one.done for one in workloads) else _TICK
            await _take(changes, seen, wait if ends is None else max(0.0, min(wait, ends - time.monotonic())))
            if len(seen.synced) == len(resources):
                for workload in workloads:
                    progress = _progress(workload, seen)
                    if progress is not None:
                        yield progress
                if all(workload.done for workload in workloads):
                    return
                for workload in workloads:
                    await _check(cluster, namespace, workload, seen, patience)
            if ends is not None and time.monotonic() >= ends:
                late = next(workload for workload in workloads if not workload.done)
                raise await _late(cluster, namespace, late, seen)


def _progress(workload: _Followed, seen: _Seen) -> Progress | None:
    """What there is to tell about the workload, None when it was told before."""
    found = seen.objects.get((workload.resource.kind, workload.name))
    if found is None:
        return None
    desired = desired_replicas(found)
    ready = min(desired, sum(is_ready(pod) for pod in current(found, seen.pods())))
    done = _stays_up(workload, found, ready >= desired)
    if workload.told == (ready, desired, done):
        return None
    known = workload.told is not None and workload.told[:2] == (ready, desired)
    workload.told = ready, desired, done
    message = f"{ready} of {desired} replicas ready"
    return None if known else Progress(workload.service, workload.name, ready, desired, message)


def _stays_up(workload: _Followed, found: Manifest, ready: bool) -> bool:
    """Whether the workload is rolled out, by its own status and by its pods, and has been for a moment where no probe
    says that they are well."""
    if not (ready and is_rolled_out(found)):
        workload.up_since = None
        return False
    now = time.monotonic()
    workload.up_since = workload.up_since or now
    return is_probed(found) or now - workload.up_since >= SETTLE


async def _check(cluster: Cluster, namespace: str, workload: _Followed, seen: _Seen, patience: float) -> None:
    """Raises RolloutFailed for a failure that cannot pass, or has stayed longer than patience allows."""
    found = seen.objects.get((workload.resource.kind, workload.name))
    if found is None:
        missing = f"The {workload.resource.kind} {workload.name} is not in the namespace any more."
        raise RolloutFailed(workload.service, "WORKLOAD_MISSING", missing, [])
    if workload.done:
        workload.failing = None
        return
    pods = current(found, seen.pods())
    failure = failures.of_pods(pods) or failures.of_workload(found)
    if failure is None and len(pods) < desired_replicas(found) and workload.failing is not None:
        failure = await _refused(cluster, namespace, found)
    if failure is None:
        stuck = len(pods) < desired_replicas(found)
        workload.failing = workload.failing or (Failure("", "", patient=True), time.monotonic()) if stuck else None
        return
    now = time.monotonic()
    since = workload.failing[1] if workload.failing is not None else now
    workload.failing = failure, since
    if not failure.patient or now - since >= patience:
        raise await _failed(cluster, namespace, workload.service, found, pods, failure)


async def _failed(
    cluster: Cluster,
    namespace: str,
    service: str,
    workload: Manifest,
    pods: list[Manifest],
    failure: Failure,
) -> RolloutFailed:
    """The failure, with evidence from the pod where it shows, else from one that is not ready or the workload."""
    shown = next((pod for pod in pods if pod["metadata"]["name"] == failure.pod), None)
    shown = shown or next((pod for pod in pods if not is_ready(pod)), None)
    if shown is None:
        metadata = workload["metadata"]
        lines = await evidence.warnings(cluster, namespace, metadata["name"], metadata["uid"])
    else:
        lines = await evidence.of_pod(cluster, namespace, shown, failure.container, failure.crashed)
    named = failures.of_probe(failure, lines)
    return RolloutFailed(service, named.code, named.message, lines)


async def _refused(cluster: Cluster, namespace: str, workload: Manifest) -> Failure | None:
    """Why pods are missing, from events: stateful and daemon sets have no condition that tells it."""
    if workload["kind"] == DEPLOYMENT.kind:
        return None
    metadata = workload["metadata"]
    texts = await evidence.warnings(cluster, namespace, metadata["name"], metadata["uid"])
    refused = [text for text in texts if text.startswith("FailedCreate: ")]
    return failures.of_refusal(refused[0].removeprefix("FailedCreate: ")) if refused else None


async def _late(cluster: Cluster, namespace: str, workload: _Followed, seen: _Seen) -> RolloutFailed:
    """The failure of a workload for which there is no time left."""
    found = seen.objects.get((workload.resource.kind, workload.name))
    ready, desired = (workload.told or (0, 1, False))[:2]
    text = f"{workload.name} did not become ready in time: {ready} of {desired} replicas are."
    if found is None:
        return RolloutFailed(workload.service, "ROLLOUT_TIMED_OUT", text, [])
    pods = current(found, seen.pods())
    waiting = next((pod for pod in pods if not is_ready(pod)), None)
    container = waiting["spec"]["containers"][0]["name"] if waiting else ""
    failure = Failure("ROLLOUT_TIMED_OUT", text, container=container)
    return await _failed(cluster, namespace, workload.service, found, pods, failure)


async def _take(changes: "asyncio.Queue[tuple[str, Change]]", seen: _Seen, wait: float) -> None:
    """Takes all changes that are there; waits a moment for the first, so that patience and deadlines are looked at."""
    try:
        async with asyncio.timeout(wait):
            kind, change = await changes.get()
    except TimeoutError:
        return
    seen.note(kind, change)
    while not changes.empty():
        seen.note(*changes.get_nowait())


@asynccontextmanager
async def _watched(
    cluster: Cluster, namespace: str, resources: set[Resource]
) -> AsyncIterator["asyncio.Queue[tuple[str, Change]]"]:
    """A queue of the changes of several collections, of what Berth has made in the namespace."""
    changes: asyncio.Queue[tuple[str, Change]] = asyncio.Queue()

    async def feed(resource: Resource) -> None:
        async with aclosing(watch(cluster, resource, namespace=namespace, labels=MANAGED)) as stream:
            async for change in stream:
                changes.put_nowait((resource.kind, change))

    tasks = [asyncio.create_task(feed(resource)) for resource in resources]
    try:
        yield changes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
