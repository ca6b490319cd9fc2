"""The events that streams tell, made from the rows of the event table."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from resolvers.rows.instance import Holding, holding_of
from resolvers.rows.task import TaskFailure, TaskRow, failure_of


@dataclass(frozen=True, slots=True)
class Told:
    """What every event has: the cursor to come back with, and when it was."""

    cursor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot(Told):
    """What a stream without a cursor begins with: the id of what it tells of."""

    id: str


@dataclass(frozen=True, slots=True)
class TaskSnapshot(Snapshot):
    pass


@dataclass(frozen=True, slots=True)
class InstanceSnapshot(Snapshot):
    pass


@dataclass(frozen=True, slots=True)
class ClusterSnapshot(Snapshot):
    pass


@dataclass(frozen=True, slots=True)
class Heartbeat(Told):
    lag_ms: int | None


@dataclass(frozen=True, slots=True)
class StreamEnded(Told):
    end_reason: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class TaskStateChanged(Told):
    state: str


@dataclass(frozen=True, slots=True)
class StepChanged(Told):
    step_id: str
    job: str
    title: str
    step_state: str
    message: str
    progress: int | None


@dataclass(frozen=True, slots=True)
class StepLogged(Told):
    step_id: str
    first: int
    level: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class TaskEnded(Told):
    state: str
    failure: TaskFailure | None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InstanceStateChanged(Told):
    state: str
    before: str
    by_task_id: str | None


@dataclass(frozen=True, slots=True)
class InstanceChanged(Told):
    title: str | None
    stack_revision_id: str | None


@dataclass(frozen=True, slots=True)
class AppServiceChanged(Told):
    app_service_id: str


@dataclass(frozen=True, slots=True)
class RuntimeChanged(Told):
    app_service_id: str
    ready: int | None
    desired: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class InstanceTaskChanged(Told):
    task_id: str
    kind: str
    task_state: str


@dataclass(frozen=True, slots=True)
class HoldingChanged(Told):
    holding: list[Holding]


@dataclass(frozen=True, slots=True)
class InstanceGone(Told):
    by_task_id: str | None


@dataclass(frozen=True, slots=True)
class ClusterStateChanged(Told):
    state: str
    before: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClusterChanged(Told):
    title: str
    access_changed: bool


@dataclass(frozen=True, slots=True)
class ClusterTested(Told):
    passed: bool


@dataclass(frozen=True, slots=True)
class ClusterGone(Told):
    pass


@dataclass(frozen=True, slots=True)
class ListFollowed(Told):
    pass


@dataclass(frozen=True, slots=True)
class InstancesChanged(Told):
    """ids of rows."""

    inserted_ids: list[str]
    updated_ids: list[str]
    removed: list[str]


def ended(cursor: str, reason: str, *, again: bool) -> StreamEnded:
    """The last event of a stream that ends before its subject does; `again`: coming back is worth while."""
    return StreamEnded(cursor, datetime.now(UTC), reason, again)


def end_of(row: TaskRow) -> TaskEnded | None:
    """The last event of a task that has ended, whether or not it is still kept; None while it has not."""
    if row.ended_at is None:
        return None
    return TaskEnded(row.cursor, row.ended_at, row.state, row.failure, row.warnings)


def of_task(cursor: str, at: datetime, kind: str, data: dict[str, Any]) -> Told:
    """The event that a row of a task's stream stands for."""
    match kind:
        case "STEP":
            return StepChanged(
                cursor, at, data["stepId"], data["job"], data["title"], data["state"], data["message"],
                data.get("progress"),
            )  # fmt: skip
        case "LOG":
            return StepLogged(cursor, at, data["stepId"], data["first"], data["level"], data["lines"])
        case "END":
            return TaskEnded(
                cursor, at, data["state"], failure_of(data["failure"]) if data["failure"] else None, data["warnings"]
            )
    return TaskStateChanged(cursor, at, data["state"])


def of_instance(cursor: str, at: datetime, kind: str, data: dict[str, Any]) -> Told:
    """The event that a row of an instance's stream stands for."""
    match kind:
        case "STATE":
            return InstanceStateChanged(cursor, at, data["state"], data["before"], data["taskId"])
        case "GONE":
            return InstanceGone(cursor, at, data["taskId"])
        case "SERVICE":
            return AppServiceChanged(cursor, at, data["appServiceId"])
        case "RUNTIME":
            return RuntimeChanged(cursor, at, data["appServiceId"], data["ready"], data["desired"], data["reason"])
        case "TASK":
            return InstanceTaskChanged(cursor, at, data["taskId"], data["kind"], data["state"])
        case "HOLDING":
            return HoldingChanged(cursor, at, [holding_of(one) for one in data["holding"]])
    return InstanceChanged(cursor, at, data.get("title"), data.get("stackRevisionId"))


def of_cluster(cursor: str, at: datetime, kind: str, data: dict[str, Any]) -> Told:
    """The event that a row of a cluster's stream stands for."""
    match kind:
        case "STATE":
            return ClusterStateChanged(cursor, at, data["state"], data["before"], data["reason"])
        case "TESTED":
            return ClusterTested(cursor, at, data["passed"])
        case "GONE":
            return ClusterGone(cursor, at)
    return ClusterChanged(cursor, at, data["title"], data["accessChanged"])
