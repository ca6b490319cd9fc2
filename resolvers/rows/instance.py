"""Instances."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from live.manifests import service_manifests
from resolvers.applied import AppliedObject, manifests
from resolvers.capabilities import CAPABILITIES, Capability
from resolvers.context import Context
from resolvers.drift import Drift, drift
from resolvers.nouns import NOUNS, Noun, many, one
from resolvers.operations import Answered, of_instances, outdated, show_tasks
from resolvers.rows.app import AppRow
from resolvers.rows.app_service import AppServiceRow
from resolvers.rows.cluster import ClusterRow
from resolvers.rows.environment import EnvironmentRow
from resolvers.rows.stack import StackRevisionRow
from resolvers.rows.task import TaskRow
from resolvers.selection import Selection
from resolvers.sql import Values, rows


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds the namespace up while it is deleted."""

    kind: str
    name: str
    finalizers: list[str]
    since: datetime | None
    message: str


def holding_of(item: dict[str, Any]) -> Holding:
    """The value that is kept as JSON; times come from the cluster, in RFC 3339."""
    since = datetime.fromisoformat(item["since"]) if item.get("since") else None
    return Holding(item["kind"], item["name"], item.get("finalizers", []), since, item.get("message", ""))


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach an instance."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Confinement:
    """The level of pod security that the namespace enforces, and the services that need the looser one."""

    level: str
    services: list[str]

    @property
    def reason(self) -> str:
        """Why it is not another, in one sentence."""
        if self.level == "RESTRICTED":
            return "Every container runs as a user that its service names."
        return f"Containers of {', '.join(self.services)} may start as root: their services name no user."


@dataclass(slots=True, eq=False)
class Failure:
    """Why an instance is errored. `task` is set where it is selected."""

    summary: str
    hint: str
    task: TaskRow | None = None


@dataclass(slots=True, eq=False)
class InstanceRow:
    id: str
    organization_id: str
    app_id: str
    environment_id: str
    cluster_id: str
    stack_revision_id: str
    deployed_stack_revision_id: str | None
    name: str
    title: str
    namespace: str
    state: str
    state_since: datetime
    failed_task_id: str | None
    holding_json: str
    enforced: str | None
    rooted_json: str
    version: int
    number: int
    created_at: datetime
    app: AppRow = field(init=False)
    environment: EnvironmentRow = field(init=False)
    cluster: ClusterRow = field(init=False)
    stack_revision: StackRevisionRow = field(init=False)
    deployed_stack_revision: StackRevisionRow | None = field(init=False)
    services: list[AppServiceRow] = field(init=False)
    outdated: bool = field(init=False)
    operations: list[Answered] = field(init=False)
    address: Address | None = field(init=False)
    failure: Failure | None = field(init=False)
    manifests: list[AppliedObject] = field(init=False)
    drift: Drift = field(init=False)

    @property
    def cursor(self) -> str:
        """The number of its last event, to follow after."""
        return str(self.number)

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What exists for it so far."""
        return CAPABILITIES

    @property
    def pod_security(self) -> Confinement | None:
        """What its pods may do; None before the namespace is made."""
        return Confinement(self.enforced, orjson.loads(self.rooted_json)) if self.enforced else None

    @property
    def holding(self) -> list[Holding]:
        """What still holds its namespace up."""
        return [holding_of(item) for item in orjson.loads(self.holding_json)]


async def _outdated(_context: Context, found: Sequence[InstanceRow], _wanted: Selection) -> None:
    behind = await outdated(row.stack_revision_id for row in found)
    for row in found:
        row.outdated = row.stack_revision_id in behind


async def _operations(context: Context, found: Sequence[InstanceRow], wanted: Selection) -> None:
    answers = await of_instances(context, found)
    await show_tasks(context, answers, wanted)
    for row in found:
        row.operations = answers[row.id]


async def _failures(context: Context, found: Sequence[InstanceRow], wanted: Selection) -> None:
    ids = {row.failed_task_id for row in found if row.failed_task_id}
    tasks: dict[str, TaskRow] = await NOUNS["Task"].of_ids(context, ids, wanted.below("task"), reached=True)
    for row in found:
        task = tasks.get(row.failed_task_id or "")
        row.failure = _failure(task) if task else None


def _failure(task: TaskRow) -> Failure:
    said = task.failure
    summary = said.summary if said else f"{task.title}: {task.state}."
    actions = " ".join(said.suggested_actions) if said else ""
    hint = actions or "Read the failed task, fix the cause, delete the instance and create it anew."
    return Failure(summary, hint, task)


async def _addresses(_context: Context, found: Sequence[InstanceRow], _wanted: Selection) -> None:
    """The main service's main endpoint is the Kubernetes Service of the same name as the app service."""
    mains = await rows(
        "SELECT instance_id, name, service_revision_id FROM app_service "
        "WHERE instance_id = ANY($1) AND main AND enabled",
        Values([row.id for row in found]),
    )
    manifests = await service_manifests(revision for _, _, revision in mains)
    services = {instance: (name, manifests[revision].main_endpoint) for instance, name, revision in mains}
    for row in found:
        name, endpoint = services.get(row.id, ("", None))
        row.address = _port_forward(row.namespace, name, endpoint.main_port.number) if endpoint else None


def _port_forward(namespace: str, service: str, port: int) -> Address:
    local = port if port >= 1024 else port + 8000  # a port that needs no root on the caller's machine
    return Address("PORT_FORWARD", f"kubectl --namespace {namespace} port-forward service/{service} {local}:{port}")


INSTANCE = Noun(
    "Instance",
    "instance",
    InstanceRow,
    {
        "app": one("App", "app", "app_id"),
        "environment": one("Environment", "environment", "environment_id"),
        "cluster": one("Cluster", "cluster", "cluster_id"),
        "stackRevision": one("StackRevision", "stack_revision", "stack_revision_id"),
        "deployedStackRevision": one("StackRevision", "deployed_stack_revision", "deployed_stack_revision_id"),
        "services": many("AppService", "services", "instance_id", "t.position, t.name"),
        "outdated": _outdated,
        "operations": _operations,
        "address": _addresses,
        "failure": _failures,
        "manifests": manifests,
        "drift": drift,
    },
    live="t.deleted_at IS NULL",
    renamed={"number": "seq", "holding_json": "holding", "enforced": "pod_security", "rooted_json": "rooted_services"},
)
