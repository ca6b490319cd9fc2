"""What may be done to an instance or a task now, answered from the tables that the changes themselves ask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.new_services import helm_unavailable
from live.manifests import service_manifests
from resolvers.context import Context
from resolvers.nouns import NOUNS
from resolvers.selection import Selection
from resolvers.sql import Values, rows
from rules.access import NEEDS
from rules.enums import InstanceState, Scope, TaskState
from rules.refusals import Refused, not_found
from rules.states import OFFERED, Operation, judge
from rules.tasks import REPEATS, cancel_refusal, repeat_refusal
from rules.viewer import Viewer

if TYPE_CHECKING:
    from resolvers.rows.instance import InstanceRow
    from resolvers.rows.task import TaskRow


@dataclass(slots=True, eq=False)
class Blocked:
    """Why an operation may not go on. `task`, the one that stands in the way, is set where it is selected."""

    code: str
    message: str
    retryable: bool
    remedy: str
    task_id: str | None
    task: "TaskRow | None" = None


@dataclass(slots=True, eq=False)
class Answered:
    """One operation and the answer of the tables."""

    name: str
    allowed: bool
    blocked_by: Blocked | None = None


def _answered(name: str, refused: Refused | None) -> Answered:
    if refused is None:
        return Answered(name, True)
    blocked = Blocked(refused.code, refused.message, refused.retryable, refused.remedy, refused.task_id)
    return Answered(name, False, blocked)


def _who_refused(viewer: Viewer, scope: Scope, *owners: str | None) -> Refused | None:
    """What the viewer's role and token say of a row with these owners."""
    try:
        viewer.need(scope, *(owner for owner in owners if owner is not None))
    except Refused as refused:
        return refused
    return None


async def of_instances(context: Context, found: Sequence["InstanceRow"]) -> dict[str, list[Answered]]:
    """By the id of the instance: every operation that exists, with its answer."""
    waiting = await _oldest_tasks([row.id for row in found])
    behind = await outdated(row.stack_revision_id for row in found)
    charts = await _charts([row.id for row in found])
    answers: dict[str, list[Answered]] = {}
    for row in found:
        answers[row.id] = []
        for operation in OFFERED:
            refused = _instance_refused(context.viewer, row, operation, waiting.get(row.id))
            if refused is None and operation is Operation.UPGRADE_STACK and row.stack_revision_id not in behind:
                refused = _LATEST
            if refused is None and operation in _ROLLOUTS and row.id in charts:
                refused = helm_unavailable(charts[row.id], "input.id")
            answers[row.id].append(_answered(operation, refused))
    return answers


def _instance_refused(viewer: Viewer, row: Any, operation: Operation, waiting: str | None) -> Refused | None:
    refused = _who_refused(viewer, NEEDS[operation], row.organization_id, row.app_id, row.id)
    return refused or judge(operation, InstanceState(row.state), waiting).refusal


_ROLLOUTS = (Operation.DEPLOY, Operation.UPGRADE_STACK)
_LATEST = Refused(
    "STACK_REVISION_UNUSABLE",
    "The instance has the latest published revision of its stack already.",
    "Publish a new revision of the stack first.",
)


async def outdated(stack_revisions: Iterable[str]) -> set[str]:
    """Those of the stack revisions whose stack has a newer published one."""
    records = await rows(
        "SELECT r.id FROM stack_revision r JOIN stack s ON s.id = r.stack_id "
        "WHERE r.id = ANY($1) AND r.number < s.latest_number",
        Values(sorted(set(stack_revisions))),
    )
    return {record[0] for record in records}


async def _charts(instances: list[str]) -> dict[str, str]:
    """By the id of the instance: the first of its enabled services that only a chart can release."""
    services = await rows(
        "SELECT instance_id, name, service_revision_id FROM app_service "
        "WHERE instance_id = ANY($1) AND enabled ORDER BY position DESC, name DESC",
        Values(instances),
    )
    manifests = await service_manifests(revision for _, _, revision in services)
    return {instance: name for instance, name, revision in services if manifests[revision].helm is not None}


async def _oldest_tasks(instances: list[str]) -> dict[str, str]:
    """The oldest task of each instance that has not ended."""
    records = await rows(
        "SELECT DISTINCT ON (instance_id) instance_id, id FROM task "
        "WHERE instance_id = ANY($1) AND ended_at IS NULL ORDER BY instance_id, ordinal",
        Values(instances),
    )
    return dict(map(tuple, records))


async def show_tasks(context: Context, answers: Mapping[str, Sequence[Answered]], wanted: Selection) -> None:
    """Loads the tasks that stand in the way, where they are selected."""
    selected = wanted.below("blockedBy")
    if "task" in selected:
        blocked = [answer.blocked_by for each in answers.values() for answer in each if answer.blocked_by]
        ids = {item.task_id for item in blocked if item.task_id}
        tasks = await NOUNS["Task"].of_ids(context, ids, selected.below("task"))
        for item in blocked:
            item.task = tasks.get(item.task_id or "")


async def of_tasks(context: Context, found: Sequence["TaskRow"]) -> dict[str, list[Answered]]:
    """By the id of the task: whether it can be cancelled, and repeated."""
    instances = await _instances({row.instance_id for row in found if row.kind in REPEATS and row.instance_id})
    waiting = await _oldest_tasks(list(instances))
    charts = await _charts(list(instances))
    return {
        row.id: [
            _answered("CANCEL", _cancel_refused(context.viewer, row)),
            _answered("REPEAT", _repeat_refused(context.viewer, row, instances, waiting, charts)),
        ]
        for row in found
    }


async def _instances(ids: set[str]) -> dict[str, Any]:
    statement = "SELECT id, organization_id, app_id, state FROM instance WHERE id = ANY($1) AND deleted_at IS NULL"
    return {record["id"]: record for record in await rows(statement, Values(sorted(ids)))} if ids else {}


def _cancel_refused(viewer: Viewer, row: "TaskRow") -> Refused | None:
    refused = _who_refused(viewer, Scope.OPERATE, row.organization_id, row.app_id, row.instance_id)
    return refused or cancel_refusal(TaskState(row.state))


def _repeat_refused(
    viewer: Viewer, row: "TaskRow", instances: dict[str, Any], waiting: dict[str, str], charts: dict[str, str]
) -> Refused | None:
    refused = repeat_refusal(row.kind, TaskState(row.state))
    if refused is not None:
        return refused
    instance = instances.get(row.instance_id or "")
    if instance is None:
        return not_found()
    operation = REPEATS[row.kind]
    refused = _who_refused(viewer, NEEDS[operation], row.organization_id, row.app_id, row.instance_id)
    refused = refused or judge(operation, InstanceState(instance["state"]), waiting.get(instance["id"])).refusal
    if refused is None and operation in _ROLLOUTS and instance["id"] in charts:
        return helm_unavailable(charts[instance["id"]], "input.id")
    return refused
