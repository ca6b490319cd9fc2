"""Pods, as streams tell them. No type here knows who reads it, so that one event serves all who read the same."""

import datetime
from enum import Enum
from typing import Annotated

import strawberry

from kube import pod_states
from live import pods
from schema.event import Heartbeat, StreamEnded
from schema.fields import source


def _value(name: str, description: str) -> str:
    return strawberry.enum_value(name, description=description)  # type: ignore[return-value]


@strawberry.enum(description="Where a pod stands in its life, in Kubernetes' words.")
class PodPhase(Enum):
    PENDING = _value("PENDING", "No node has taken it, or its containers are not made yet.")
    RUNNING = _value("RUNNING", "At least one of its containers runs, starts or starts again.")
    SUCCEEDED = _value("SUCCEEDED", "All of its containers have ended well.")
    FAILED = _value("FAILED", "All of its containers have ended, and one of them not well.")
    UNKNOWN = _value("UNKNOWN", "Its node does not answer.")


@strawberry.enum(description="Whether a container runs, in Kubernetes' words.")
class ContainerStateType(Enum):
    WAITING = _value("WAITING", "It does not run yet, or not again: `reason` says why.")
    RUNNING = _value("RUNNING", "It runs.")
    TERMINATED = _value("TERMINATED", "It has ended.")


@strawberry.type(description="A container of a pod.")
@source(pod_states.ContainerState)
class PodContainer:
    name: str = strawberry.field(description="Its name.")
    image: str = strawberry.field(description="The image that it is made of.")
    init: bool = strawberry.field(description="Whether it prepares the pod, and ends before the others begin.")
    ready: bool = strawberry.field(description="Whether it is ready to serve.")
    restarts: int = strawberry.field(description="How often it was started again.")
    state: ContainerStateType = strawberry.field(description="Whether it runs.")
    reason: str = strawberry.field(
        description="Why it waits or has ended, in Kubernetes' own word such as CrashLoopBackOff; empty without one."
    )
    message: str = strawberry.field(description="The same in the cluster's words; empty without them.")
    exit_code: int | None = strawberry.field(description="How it ended; null while it has not.")
    since: datetime.datetime | None = strawberry.field(description="When it began to run, or ended.")
    last_reason: str = strawberry.field(description="Why the run before ended, such as OOMKilled; empty without one.")
    last_exit_code: int | None = strawberry.field(description="How the run before ended; null without one.")


@strawberry.type(description="A pod of an instance.")
@source(pod_states.PodState)
class Pod:
    uid: strawberry.ID = strawberry.field(description="Its UID: one of the same name that comes later has another.")
    name: str = strawberry.field(description="Its name.")
    service: str = strawberry.field(description="The app service's name.")
    phase: PodPhase = strawberry.field(description="Where it stands in its life.")
    ready: bool = strawberry.field(description="Whether all of it is ready to serve.")
    terminating: bool = strawberry.field(description="Whether it is being deleted.")
    reason: str = strawberry.field(
        description="Why it is not ready, in Kubernetes' own word such as Unschedulable; empty when it is, or starts."
    )
    message: str = strawberry.field(description="What the cluster says of it; empty when it says nothing.")
    restarts: int = strawberry.field(description="How often its containers were started again, all together.")
    node: str = strawberry.field(description="The node that runs it; empty while none has taken it.")
    created: datetime.datetime | None = strawberry.field(description="When it was made.")
    containers: list[PodContainer] = strawberry.field(description="Its containers, those that prepare it first.")


@strawberry.type(
    description="All pods: the first event of a stream, and told anew to who did not read what changed in time."
)
@source(pods.PodsSnapshot)
class PodsSnapshot:
    at: datetime.datetime = strawberry.field(description="When it was put together.")
    pods: list[Pod] = strawberry.field(description="The pods by name; those that are not among them are gone.")
    stale: bool = strawberry.field(description="Whether they may have changed since, unseen.")
    reason: str = strawberry.field(description="Why they are not followed at present; empty when they are.")


@strawberry.type(description="Pods changed.")
@source(pods.PodsChanged)
class PodsChanged:
    at: datetime.datetime = strawberry.field(description="When it was seen.")
    changed: list[Pod] = strawberry.field(description="Those that are new or another way, as they are now.")
    removed: list[strawberry.ID] = strawberry.field(description="The UIDs of those that are gone.")


@strawberry.type(description="The cluster is not followed at present: what was told may have changed since, unseen.")
@source(pods.PodsStale)
class PodsStale:
    at: datetime.datetime = strawberry.field(description="Since when.")
    reason: str = strawberry.field(description="Why, in a sentence.")


@strawberry.type(description="The cluster is followed again; what changed meanwhile is told next.")
@source(pods.PodsCurrent)
class PodsCurrent:
    at: datetime.datetime = strawberry.field(description="Since when.")


PodEvent = Annotated[
    PodsSnapshot | PodsChanged | PodsStale | PodsCurrent | Heartbeat | StreamEnded,
    strawberry.union("PodEvent", description="What the stream of an instance's pods tells."),
]
