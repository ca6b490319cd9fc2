"""Tasks, with their jobs and steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from resolvers.context import Context
from resolvers.nouns import Noun, many, one
from resolvers.operations import Answered, of_tasks, show_tasks
from resolvers.selection import Selection
from rules.enums import ENDED_TASKS, TaskState

if TYPE_CHECKING:
    from resolvers.rows.app import AppRow
    from resolvers.rows.cluster import ClusterRow
    from resolvers.rows.instance import InstanceRow
    from resolvers.rows.user import UserRow


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why a task failed, so that a person can act on it."""

    code: str
    summary: str
    root_cause: str
    step: str
    evidence: list[str]
    suggested_actions: list[str]
    went_back: list[str]


def failure_of(said: dict[str, Any]) -> TaskFailure:
    """The value that is kept as JSON."""
    return TaskFailure(
        said.get("code", "INTERNAL"),
        said.get("summary", ""),
        said.get("rootCause", ""),
        said.get("step", ""),
        said.get("evidence", []),
        said.get("suggestedActions", []),
        said.get("wentBack", []),
    )


@dataclass(slots=True, eq=False)
class TaskRow:
    id: str
    organization_id: str
    app_id: str | None
    instance_id: str | None
    cluster_id: str | None
    kind: str
    title: str
    state: str
    author_id: str | None
    origin_task_id: str | None
    repeats_task_id: str | None
    progress: int
    failure_json: str | None
    warnings_json: str
    cancel_requested_at: datetime | None
    deadline_at: datetime
    attempt: int
    number: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    app: "AppRow | None" = field(init=False)
    instance: "InstanceRow | None" = field(init=False)
    cluster: "ClusterRow | None" = field(init=False)
    author: "UserRow | None" = field(init=False)
    origin: "TaskRow | None" = field(init=False)
    repeats: "TaskRow | None" = field(init=False)
    jobs: "list[JobRow]" = field(init=False)
    operations: list[Answered] = field(init=False)

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, whatever that is."""
        return TaskState(self.state) in ENDED_TASKS

    @property
    def cursor(self) -> str:
        """The number of its last event, to follow after."""
        return str(self.number)

    @property
    def failure(self) -> TaskFailure | None:
        """Why it failed, when it did."""
        return failure_of(orjson.loads(self.failure_json)) if self.failure_json else None

    @property
    def warnings(self) -> list[str]:
        """What went less than well."""
        return list(orjson.loads(self.warnings_json))


@dataclass(slots=True, eq=False)
class JobRow:
    id: str
    task_id: str
    name: str
    title: str
    after: list[str]
    state: str
    task: TaskRow = field(init=False)
    steps: "list[StepRow]" = field(init=False)


@dataclass(slots=True, eq=False)
class StepRow:
    id: str
    task_id: str
    job_id: str
    name: str
    title: str
    state: str
    message: str
    started_at: datetime | None
    ended_at: datetime | None
    task: TaskRow = field(init=False)


@dataclass(slots=True, eq=False)
class LogLineRow:
    """`id` is its step's: lines have only a number of their own."""

    id: str
    number: int
    level: str
    message: str
    at: datetime


async def _operations(context: Context, found: Sequence[TaskRow], wanted: Selection) -> None:
    answers = await of_tasks(context, found)
    await show_tasks(context, answers, wanted)
    for row in found:
        row.operations = answers[row.id]


TASK = Noun(
    "Task",
    "task",
    TaskRow,
    {
        "app": one("App", "app", "app_id", reached=False),
        "instance": one("Instance", "instance", "instance_id", reached=False),
        "cluster": one("Cluster", "cluster", "cluster_id", reached=False),
        "author": one("User", "author", "author_id"),
        "origin": one("Task", "origin", "origin_task_id", reached=False),
        "repeats": one("Task", "repeats", "repeats_task_id", reached=False),
        "jobs": many("Job", "jobs", "task_id", "t.position, t.name"),
        "operations": _operations,
    },
    renamed={"number": "seq", "failure_json": "failure", "warnings_json": "warnings"},
)
JOB = Noun(
    "Job",
    "job",
    JobRow,
    {"task": one("Task", "task", "task_id"), "steps": many("Step", "steps", "job_id", "t.position, t.name")},
)
STEP = Noun("Step", "step", StepRow, {"task": one("Task", "task", "task_id")})
LOG_LINE = Noun("LogLine", "log_line", LogLineRow, {}, renamed={"id": "step_id"})
