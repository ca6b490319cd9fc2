"""Tasks, their jobs, steps and log lines."""

import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.lists import listed, nested
from resolvers.paging import NUMBER, TimeOrder
from resolvers.rows.task import JobRow, LogLineRow, StepRow, TaskRow
from resolvers.rows.task import TaskFailure as TaskFailureValue
from rules.enums import StepState, TaskState
from schema.app import App
from schema.cluster import Cluster
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.operation import Operation
from schema.user import User

if TYPE_CHECKING:
    from schema.instance import Instance
else:
    Instance = Annotated["Instance", strawberry.lazy("schema.instance")]

_lines = nested("LogLine", "step_id", NUMBER)


@strawberry.enum(description="How grave a log line is.")
class LogLevel(Enum):
    INFO = strawberry.enum_value("INFO", description="What is being done.")
    WARNING = strawberry.enum_value("WARNING", description="Something is less than well.")
    ERROR = strawberry.enum_value("ERROR", description="What made the step fail.")


@strawberry.type(description="A line that a step wrote.")
@source(LogLineRow)
class LogLine:
    number: int = strawberry.field(description="Counts the step's lines from 1.")
    level: LogLevel = strawberry.field(description="How grave it is.")
    message: str = strawberry.field(description="The text, at most 4,000 characters.")
    at: datetime.datetime = strawberry.field(description="When it was written.")


@strawberry.type(description="A part of a job. The steps of a job are carried out one after another.")
@source(StepRow)
class Step(Node):
    task: "Task" = strawberry.field(description="The task that it is a part of.")
    name: str = strawberry.field(description="Machine name, unique in the job.")
    title: str = strawberry.field(description="What it does.")
    state: StepState = strawberry.field(description="How it is.")
    message: str = strawberry.field(
        description="How far it is, such as `2 of 3 replicas ready`; empty when it says nothing."
    )
    started_at: datetime.datetime | None = strawberry.field(description="When it began first; null until then.")
    ended_at: datetime.datetime | None = strawberry.field(description="When it ended; null until then.")
    logs: Connection[LogLine] = resolved_by(_lines, description="What it wrote, in order.", arguments=PAGING)


@strawberry.type(
    description="A part of a task. Jobs are carried out beside each other, each after those that it names."
)
@source(JobRow)
class Job(Node):
    task: "Task" = strawberry.field(description="The task that it is a part of.")
    name: str = strawberry.field(description="Machine name, unique in the task.")
    title: str = strawberry.field(description="What it does.")
    after: list[str] = strawberry.field(description="The names of the jobs that must be done before it begins.")
    state: StepState = strawberry.field(description="How it is.")
    steps: list[Step] = strawberry.field(description="Its steps, in order.")


@strawberry.type(description="Why a task did not end well, so that a person can act on it.")
@source(TaskFailureValue)
class TaskFailure:
    code: str = strawberry.field(description="What kind of failure it is, in upper snake case; more kinds may come.")
    summary: str = strawberry.field(description="What happened, in one sentence.")
    root_cause: str = strawberry.field(description="What is behind it, as far as it is known; empty otherwise.")
    step: str = strawberry.field(description="The title of the step that failed; empty when none did.")
    evidence: list[str] = strawberry.field(description="What was seen: events, conditions and last log lines.")
    suggested_actions: list[str] = strawberry.field(description="What to do about it, the best first.")
    went_back: list[str] = strawberry.field(
        description="The names of the app services that run again what they ran before the deployment that failed."
    )


@strawberry.type(description="Work that takes time: jobs beside each other, steps in order, with their log lines.")
@source(TaskRow)
class Task(Node):
    kind: str = strawberry.field(description="What kind of work it is, in upper snake case; more kinds may come.")
    title: str = strawberry.field(description="What it does.")
    state: TaskState = strawberry.field(description="How it is.")
    progress: int = strawberry.field(description="How much of it is done, in percent: 0 to 100.")
    app: App | None = strawberry.field(
        description="The app that it is about; null when it is about none, or the app is gone."
    )
    instance: Instance | None = strawberry.field(
        description="The instance that it is about; null when it is about none, or the instance is gone."
    )
    cluster: Cluster | None = strawberry.field(
        description="The cluster that it works on; null when there is none, or you may not see it."
    )
    author: User | None = strawberry.field(description="Who asked for it; null when the system did.")
    origin: "Task | None" = strawberry.field(description="The task that started it; null when none did.")
    repeats: "Task | None" = strawberry.field(description="The task that it repeats; null when it is no repetition.")
    jobs: list[Job] = strawberry.field(description="Its jobs, in the order in which they are shown.")
    failure: TaskFailure | None = strawberry.field(
        description="Why it did not end well; null when it did, or has not ended."
    )
    warnings: list[str] = strawberry.field(description="What was less than well, known when it has ended.")
    operations: list[Operation] = strawberry.field(description="What you may do to it now: CANCEL and REPEAT.")
    attempt: int = strawberry.field(
        description="How many times a worker took it up: more than once after a worker was lost."
    )
    cursor: str = strawberry.field(description="Its last event; a subscription to it may start after this.")
    created_at: datetime.datetime = strawberry.field(description="When it was asked for.")
    deadline_at: datetime.datetime = strawberry.field(description="When it is given up.")
    started_at: datetime.datetime | None = strawberry.field(
        description="When a worker took it up first; null until then."
    )
    cancel_requested_at: datetime.datetime | None = strawberry.field(
        description="When its cancellation was asked for; null when it was not."
    )
    ended_at: datetime.datetime | None = strawberry.field(description="When it ended; null until then.")


@strawberry.input(description="Which tasks; conditions hold together.")
class TaskFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    app: strawberry.ID | None = strawberry.field(default=None, description="About the app with this id.")
    instance: strawberry.ID | None = strawberry.field(default=None, description="About the instance with this id.")
    cluster: strawberry.ID | None = strawberry.field(default=None, description="On the cluster with this id.")
    states: list[TaskState] | None = strawberry.field(default=None, description="In one of these states.")
    kinds: list[str] | None = strawberry.field(default=None, description="Of one of these kinds.")
    ended: bool | None = strawberry.field(default=None, description="Ended, or not ended yet.")


listed_tasks = listed(
    "Task",
    {
        "organization": "t.organization_id = {}",
        "app": "t.app_id = {}",
        "instance": "t.instance_id = {}",
        "cluster": "t.cluster_id = {}",
        "states": "t.state = ANY({})",
        "kinds": "t.kind = ANY({})",
        "ended": "(t.ended_at IS NOT NULL) = {}",
    },
    TimeOrder.NEWEST,
)
