"""What may be done to an instance or a task now, answered from the tables that the changes themselves ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resolvers.context import Context
from resolvers.sql import Values, rows
from rules.access import NEEDS, refusal
from rules.enums import ENDED_TASKS, InstanceState, Scope, TaskState
from rules.refusals import Refused
from rules.states import OFFERED, Operation, judge
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


def _role_refuses(viewer: Viewer, scope: Scope, organization_id: str) -> Refused | None:
    """What the viewer's role and token say of a row that they see."""
    return refusal(viewer.roles[organization_id], viewer.scope, scope)


async def of_instances(context: Context, found: Sequence["InstanceRow"]) -> dict[str, list[Answered]]:
    """By the id of the instance: every operation that exists, with its answer: first by who asks, then by state."""
    waiting = await _oldest_tasks(found)
    answers: dict[str, list[Answered]] = {}
    for row in found:
        state = InstanceState(row.state)
        answers[row.id] = [
            _answered(
                operation,
                _role_refuses(context.viewer, NEEDS[operation], row.organization_id)
                or judge(operation, state, waiting.get(row.id)).refusal,
            )
            for operation in OFFERED
        ]
    return answers


async def _oldest_tasks(found: Sequence["InstanceRow"]) -> dict[str, Any]:
    """The oldest task of each instance that has not ended."""
    records = await rows(
        "SELECT DISTINCT ON (instance_id) instance_id, id FROM task "
        "WHERE instance_id = ANY($1) AND ended_at IS NULL ORDER BY instance_id, ordinal",
        Values([row.id for row in found]),
    )
    return dict(map(tuple, records))


async def of_tasks(context: Context, found: Sequence["TaskRow"]) -> dict[str, list[Answered]]:
    """By the id of the task: whether it can be cancelled."""
    return {row.id: [_answered("CANCEL", _cancel_refused(context.viewer, row))] for row in found}


def _cancel_refused(viewer: Viewer, row: "TaskRow") -> Refused | None:
    refused = _role_refuses(viewer, NEEDS[Operation.DEPLOY], row.organization_id)
    if refused is None and TaskState(row.state) in ENDED_TASKS:
        return Refused("TASK_ENDED", f"The task has ended: it is {row.state}.", "There is nothing to cancel.")
    return refused
