"""What happens to tasks and instances, as streams tell it."""

import datetime
from enum import Enum
from typing import Annotated

import strawberry

from resolvers import told
from resolvers.context import Context
from resolvers.nouns import find
from resolvers.selection import selection
from rules.enums import ClusterState, InstanceState, StepState, TaskState
from schema.app_service import AppService
from schema.cluster import Cluster
from schema.fields import resolved_by, source
from schema.instance import Instance, NamespaceHolding
from schema.task import LogLevel, Task, TaskFailure


async def _subject(root: told.Snapshot, info: strawberry.Info[Context, None]) -> object:
    return (await find(info.context, [root.id], selection(info))).get(root.id)


async def _app_service(root: told.AppServiceChanged, info: strawberry.Info[Context, None]) -> object:
    return (await find(info.context, [root.app_service_id], selection(info))).get(root.app_service_id)


@strawberry.interface(description="Something that a stream tells.")
class Event:
    cursor: str = strawberry.field(
        description="Come back with it as `after`: the stream goes on behind this event. Empty in streams without "
        "`after`, which begin with all there is."
    )
    at: datetime.datetime = strawberry.field(description="When it was.")


@strawberry.type(description="A task as it is when a stream without a cursor begins.")
@source(told.TaskSnapshot)
class TaskSnapshot(Event):
    task: Task | None = resolved_by(_subject, description="The task; null when it is gone by now.")


@strawberry.type(description="The state of a task changed.")
@source(told.TaskStateChanged)
class TaskStateChanged(Event):
    state: TaskState = strawberry.field(description="Its state from then on.")


@strawberry.type(description="A step started, went on or ended.")
@source(told.StepChanged)
class StepChanged(Event):
    step_id: strawberry.ID = strawberry.field(description="The step.")
    job: str = strawberry.field(description="The name of its job.")
    title: str = strawberry.field(description="What it does.")
    step_state: StepState = strawberry.field(description="How it is.")
    message: str = strawberry.field(description="How far it is, such as `2 of 3 replicas ready`.")
    progress: int | None = strawberry.field(description="How far the task is, 0 to 100; null when it did not change.")


@strawberry.type(description="A step wrote log lines.")
@source(told.StepLogged)
class StepLogged(Event):
    step_id: strawberry.ID = strawberry.field(description="The step.")
    first: int = strawberry.field(description="The number of the first line; the others follow.")
    level: LogLevel = strawberry.field(description="How grave they are.")
    lines: list[str] = strawberry.field(description="The lines.")


@strawberry.type(description="A task has ended: the last event of its stream.")
@source(told.TaskEnded)
class TaskEnded(Event):
    state: TaskState = strawberry.field(description="How it ended.")
    failure: TaskFailure | None = strawberry.field(description="Why it did not end well, when it did not.")
    warnings: list[str] = strawberry.field(description="What went less than well.")


@strawberry.type(description="An instance as it is when a stream without a cursor begins.")
@source(told.InstanceSnapshot)
class InstanceSnapshot(Event):
    instance: Instance | None = resolved_by(_subject, description="The instance; null when it is gone by now.")


@strawberry.type(description="The state of an instance changed.")
@source(told.InstanceStateChanged)
class InstanceStateChanged(Event):
    state: InstanceState = strawberry.field(description="Its state from then on.")
    before: InstanceState = strawberry.field(description="Its state until then.")
    by_task_id: strawberry.ID | None = strawberry.field(description="The task that did it, where one did.")


@strawberry.type(description="An instance's title or stack revision changed; what is null did not.")
@source(told.InstanceChanged)
class InstanceChanged(Event):
    title: str | None = strawberry.field(description="The new title.")
    stack_revision_id: strawberry.ID | None = strawberry.field(description="The new stack revision.")


@strawberry.type(description="An app service was configured, or its state changed.")
@source(told.AppServiceChanged)
class AppServiceChanged(Event):
    app_service_id: strawberry.ID = strawberry.field(description="The app service.")
    app_service: AppService | None = resolved_by(_app_service, description="The app service as it is now.")


@strawberry.type(description="The pods of an app service changed.")
@source(told.RuntimeChanged)
class RuntimeChanged(Event):
    app_service_id: strawberry.ID = strawberry.field(description="The app service.")
    ready: int | None = strawberry.field(description="How many pods are ready.")
    desired: int | None = strawberry.field(description="How many pods there should be.")
    reason: str = strawberry.field(description="Why they are not all ready; empty when they are.")


@strawberry.type(description="A task of the instance was started or has ended.")
@source(told.InstanceTaskChanged)
class InstanceTaskChanged(Event):
    task_id: strawberry.ID = strawberry.field(description="The task; follow it with `taskEvents`.")
    kind: str = strawberry.field(description="What kind of work it is.")
    task_state: TaskState = strawberry.field(description="Its state.")


@strawberry.type(description="What holds the namespace of an instance up, while it is deleted, changed.")
@source(told.HoldingChanged)
class HoldingChanged(Event):
    holding: list[NamespaceHolding] = strawberry.field(description="All that holds it up now.")


@strawberry.type(description="The instance is deleted: the last event of its stream.")
@source(told.InstanceGone)
class InstanceGone(Event):
    by_task_id: strawberry.ID | None = strawberry.field(description="The task that deleted it.")


@strawberry.type(description="A cluster as it is when a stream without a cursor begins.")
@source(told.ClusterSnapshot)
class ClusterSnapshot(Event):
    cluster: Cluster | None = resolved_by(_subject, description="The cluster; null when it is gone by now.")


@strawberry.type(description="The state of a cluster changed, or the reason for it.")
@source(told.ClusterStateChanged)
class ClusterStateChanged(Event):
    state: ClusterState = strawberry.field(description="Its state from then on.")
    before: ClusterState = strawberry.field(description="Its state until then.")
    reason: str = strawberry.field(description="Why it is in this state, in a sentence; empty when all is well.")


@strawberry.type(description="A cluster was registered, or its title or the way to it changed.")
@source(told.ClusterChanged)
class ClusterChanged(Event):
    title: str = strawberry.field(description="Its title from then on.")
    access_changed: bool = strawberry.field(description="Whether it is reached in another way from then on.")


@strawberry.type(description="A cluster was tested: `Cluster.checks` says what was found.")
@source(told.ClusterTested)
class ClusterTested(Event):
    passed: bool = strawberry.field(description="Whether all is as Berth needs it.")


@strawberry.type(description="The cluster is removed: the last event of its stream.")
@source(told.ClusterGone)
class ClusterGone(Event):
    pass


async def _instances(ids: list[str], info: strawberry.Info[Context, None]) -> list[object]:
    found = await find(info.context, ids, selection(info))
    return [found[id] for id in ids if id in found]


async def _inserted(root: told.InstancesChanged, info: strawberry.Info[Context, None]) -> list[object]:
    return await _instances(root.inserted_ids, info)


async def _updated(root: told.InstancesChanged, info: strawberry.Info[Context, None]) -> list[object]:
    return await _instances(root.updated_ids, info)


@strawberry.type(
    description="From here on everything is told: read the list now, then take in what comes, and you have it as it is."
)
@source(told.ListFollowed)
class ListFollowed(Event):
    pass


@strawberry.type(description="Instances came into the list, changed in it, or left it; at most 100 of each.")
@source(told.InstancesChanged)
class InstancesChanged(Event):
    inserted: list[Instance] = resolved_by(
        _inserted,
        description="Those that are new in the list, as they are now; after a cursor you may know them already.",
    )
    updated: list[Instance] = resolved_by(_updated, description="Those that changed in it, as they are now.")
    removed: list[strawberry.ID] = strawberry.field(
        description="The ids of those that left it: deleted, hidden from you, or not of the filter any more; after a "
        "cursor there may be some that were never in it."
    )


@strawberry.type(description="Nothing happened for a while; the stream is well.")
@source(told.Heartbeat)
class Heartbeat(Event):
    lag_ms: int | None = strawberry.field(
        description="How many milliseconds old the last event was when it was sent; null before the first one."
    )


@strawberry.enum(description="Why a stream ended before what it tells of did; more reasons may come.")
class StreamEndReason(Enum):
    RESYNC_REQUIRED = strawberry.enum_value(
        "RESYNC_REQUIRED", description="The events after the cursor are no longer kept: begin anew without a cursor."
    )
    ACCESS_LOST = strawberry.enum_value("ACCESS_LOST", description="You may no longer see it, or your token has ended.")
    SERVER_DRAIN = strawberry.enum_value("SERVER_DRAIN", description="The server is ending: come back with the cursor.")
    INSTANCE_GONE = strawberry.enum_value("INSTANCE_GONE", description="The instance is deleted.")
    INSTANCE_STATE = strawberry.enum_value(
        "INSTANCE_STATE", description="The instance is in a state in which this cannot be followed."
    )
    INTERRUPTED = strawberry.enum_value(
        "INTERRUPTED", description="The cluster is reached in another way now, or not at all: come back."
    )


@strawberry.type(description="The stream ends here, though what it tells of does not.")
@source(told.StreamEnded)
class StreamEnded(Event):
    end_reason: StreamEndReason = strawberry.field(description="Why.")
    retryable: bool = strawberry.field(description="Whether coming back is worth while.")


TaskEvent = Annotated[
    TaskSnapshot | TaskStateChanged | StepChanged | StepLogged | TaskEnded | Heartbeat | StreamEnded,
    strawberry.union("TaskEvent", description="What the stream of a task tells."),
]
InstanceEvent = Annotated[
    InstanceSnapshot
    | InstanceStateChanged
    | InstanceChanged
    | AppServiceChanged
    | RuntimeChanged
    | InstanceTaskChanged
    | HoldingChanged
    | InstanceGone
    | Heartbeat
    | StreamEnded,
    strawberry.union("InstanceEvent", description="What the stream of an instance tells."),
]
ClusterEvent = Annotated[
    ClusterSnapshot | ClusterStateChanged | ClusterChanged | ClusterTested | ClusterGone | Heartbeat | StreamEnded,
    strawberry.union("ClusterEvent", description="What the stream of a cluster tells."),
]
InstanceListEvent = Annotated[
    ListFollowed | InstancesChanged | Heartbeat | StreamEnded,
    strawberry.union("InstanceListEvent", description="What the stream of a list of instances tells."),
]
