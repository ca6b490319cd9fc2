"""Tasks, their jobs, steps and log lines."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Task(Model):
    """Work that outlives a request. Whoever holds `lease_token` may write its progress, and nobody else.

    The column `ordinal`, which orders tasks, is made by the database and read by SQL only.
    """

    id: str = identity("tsk")
    organization: Any = reference("Organization")
    organization_id: str
    app: Any = reference("App", null=True)
    app_id: str | None
    instance: Any = reference("Instance", null=True)
    instance_id: str | None
    cluster: Any = reference("Cluster", null=True)
    cluster_id: str | None
    kind: str = words()
    title: str = words()
    state: str = words()
    input: Any = fields.JSONField(default=dict)
    author: Any = reference("User", null=True)
    author_id: str | None
    origin_task_id: str | None = fields.TextField(null=True)
    repeats_task_id: str | None = fields.TextField(null=True)
    progress: int = fields.IntField(default=0)
    failing: Any = fields.JSONField(null=True)
    failure: Any = fields.JSONField(null=True)
    warnings: Any = fields.JSONField(default=list)
    cancel_requested_at: datetime | None = moment(null=True)
    deadline_at: datetime = fields.DatetimeField()
    run_after: datetime = moment()
    attempt: int = fields.IntField(default=0)
    lease_token: str | None = fields.TextField(null=True)
    lease_until: datetime | None = moment(null=True)
    worker: str | None = fields.TextField(null=True)
    seq: int = fields.BigIntField(default=0)
    created_at: datetime = moment()
    started_at: datetime | None = moment(null=True)
    ended_at: datetime | None = moment(null=True)

    class Meta:
        table = "task"


class Job(Model):
    """A part of a task. Jobs run beside each other, each after those it names."""

    id: str = identity("job")
    task: Any = reference("Task")
    task_id: str
    position: int = fields.IntField()
    name: str = words()
    title: str = words()
    state: str = words("PENDING")

    class Meta:
        table = "job"


class Step(Model):
    """A part of a job. Steps run in order; a done one is not run again by a worker that takes over."""

    id: str = identity("stp")
    task: Any = reference("Task")
    task_id: str
    job: Any = reference("Job")
    job_id: str
    position: int = fields.IntField()
    name: str = words()
    title: str = words()
    state: str = words("PENDING")
    message: str = words("")
    started_at: datetime | None = moment(null=True)
    ended_at: datetime | None = moment(null=True)

    class Meta:
        table = "step"
