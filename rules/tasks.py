"""What may be asked of a task: by its own state, and, for a repeat, as the operation that it repeats."""

from rules.enums import ENDED_TASKS, TaskState
from rules.refusals import Refused
from rules.states import Operation

REPEATS: dict[str, Operation] = {
    "DEPLOY_INSTANCE": Operation.DEPLOY,
    "UPGRADE_INSTANCE": Operation.UPGRADE_STACK,
    "DELETE_INSTANCE": Operation.DELETE,
    "FORCE_DELETE_INSTANCE": Operation.FORCE_DELETE,
}
"""The operation that a repeat of each kind of task is judged as; kinds that are not here cannot be repeated."""


def cancel_refusal(state: TaskState) -> Refused | None:
    """Why a task cannot be cancelled. One that is cancelled, or about to be, is answered as it is."""
    if state in ENDED_TASKS and state is not TaskState.CANCELED:
        return Refused("TASK_ENDED", f"The task has ended: it is {state}.", "There is nothing to cancel.", "input.id")
    return None


def repeat_refusal(kind: str, state: TaskState) -> Refused | None:
    """Why a task cannot be repeated, as far as the task itself says; its operation is judged besides."""
    if kind not in REPEATS:
        return Refused(
            "TASK_NOT_REPEATABLE",
            "This kind of task cannot be repeated.",
            "Delete what it left behind, and create it anew." if kind.startswith("CREATE") else "Start it anew.",
            "input.id",
        )
    if state not in ENDED_TASKS:
        return Refused(
            "TASK_RUNNING",
            f"The task has not ended: it is {state}.",
            "Wait until it has, or cancel it.",
            "input.id",
            retryable=True,
        )
    return None
