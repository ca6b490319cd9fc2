"""The table of states: what an instance in each state allows. Mutations, subscriptions and jobs ask it, and
`instance.operations` answers from it, so that a button and the mutation behind it cannot disagree.

Source of the table: the product's "States of an instance, and what each allows", in docs/states.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from rules.enums import InstanceState as S
from rules.refusals import Refused


class Operation(StrEnum):
    """Everything one may want of an instance. The ones in `OFFERED` exist; the others come later and are not listed."""

    VIEW = "VIEW"
    RENAME = "RENAME"
    VIEW_TASKS = "VIEW_TASKS"
    DELETE = "DELETE"
    FORCE_DELETE = "FORCE_DELETE"
    DEPLOY = "DEPLOY"
    REDEPLOY = "REDEPLOY"
    ROLL_BACK = "ROLL_BACK"
    HAND_OFF_FROM_CI = "HAND_OFF_FROM_CI"
    BUILD = "BUILD"
    UPGRADE_STACK = "UPGRADE_STACK"
    SET_VARIABLES = "SET_VARIABLES"
    SET_REPLICAS = "SET_REPLICAS"
    SET_VERSION = "SET_VERSION"
    SET_ENABLED = "SET_ENABLED"
    CONFIGURE_SERVICE = "CONFIGURE_SERVICE"
    CONFIGURE_ROUTES = "CONFIGURE_ROUTES"
    BACK_UP = "BACK_UP"
    IMPORT = "IMPORT"
    RUN_CRON_JOB = "RUN_CRON_JOB"
    RUN_ACTION = "RUN_ACTION"
    OPEN_SHELL = "OPEN_SHELL"
    LIVE_LOGS = "LIVE_LOGS"
    PODS = "PODS"
    CHANGE_DATABASES = "CHANGE_DATABASES"
    AUTOMATIC = "AUTOMATIC"


class Answer(StrEnum):
    """YES; RUNNING: answered with the task that does it already; LATER: refused for now; NO: refused; SKIP: a
    scheduled run is recorded as skipped."""

    YES = "YES"
    RUNNING = "RUNNING"
    LATER = "LATER"
    NO = "NO"
    SKIP = "SKIP"


def _row(*answers: Answer) -> dict[S, Answer]:
    return dict(zip(S, answers, strict=True))


_Y, _R, _L, _N, _S = Answer.YES, Answer.RUNNING, Answer.LATER, Answer.NO, Answer.SKIP

#                      CREATING AWAITING DEPLOYING IMPORTING OK ERRORED DELETING
_ALWAYS = _row(_Y, _Y, _Y, _Y, _Y, _Y, _Y)
_DELETE = _row(_Y, _Y, _Y, _Y, _Y, _Y, _R)
_DEPLOY = _row(_L, _Y, _Y, _L, _Y, _N, _N)
_CONFIGURE = _row(_L, _Y, _Y, _Y, _Y, _N, _N)
_DATA = _row(_N, _N, _L, _L, _Y, _N, _N)
_RUNNING = _row(_N, _N, _N, _N, _Y, _N, _N)
_LIVE = _row(_N, _N, _Y, _Y, _Y, _N, _N)
_AUTOMATIC = _row(_S, _S, _S, _S, _Y, _S, _S)

TABLE: dict[Operation, dict[S, Answer]] = {
    Operation.VIEW: _ALWAYS,
    Operation.RENAME: _ALWAYS,
    Operation.VIEW_TASKS: _ALWAYS,
    Operation.DELETE: _DELETE,
    Operation.FORCE_DELETE: _ALWAYS,
    Operation.DEPLOY: _DEPLOY,
    Operation.REDEPLOY: _DEPLOY,
    Operation.ROLL_BACK: _DEPLOY,
    Operation.HAND_OFF_FROM_CI: _DEPLOY,
    Operation.BUILD: _DEPLOY,
    Operation.UPGRADE_STACK: _DEPLOY,
    Operation.SET_VARIABLES: _CONFIGURE,
    Operation.SET_REPLICAS: _CONFIGURE,
    Operation.SET_VERSION: _CONFIGURE,
    Operation.SET_ENABLED: _CONFIGURE,
    Operation.CONFIGURE_SERVICE: _CONFIGURE,
    Operation.CONFIGURE_ROUTES: _CONFIGURE,
    Operation.BACK_UP: _DATA,
    Operation.IMPORT: _DATA,
    Operation.RUN_CRON_JOB: _RUNNING,
    Operation.RUN_ACTION: _RUNNING,
    Operation.OPEN_SHELL: _RUNNING,
    Operation.LIVE_LOGS: _LIVE,
    Operation.PODS: _LIVE,
    Operation.CHANGE_DATABASES: _RUNNING,
    Operation.AUTOMATIC: _AUTOMATIC,
}

OFFERED = (
    Operation.RENAME,
    Operation.DELETE,
    Operation.FORCE_DELETE,
    Operation.DEPLOY,
    Operation.UPGRADE_STACK,
    Operation.SET_VARIABLES,
    Operation.SET_REPLICAS,
    Operation.SET_VERSION,
    Operation.SET_ENABLED,
    Operation.LIVE_LOGS,
    Operation.PODS,
)
"""The operations that have a mutation or a subscription today, in the order in which they are listed."""

_WORDS = {
    Operation.RENAME: "rename it",
    Operation.DELETE: "delete it",
    Operation.FORCE_DELETE: "delete it by force",
    Operation.DEPLOY: "deploy it",
    Operation.UPGRADE_STACK: "upgrade its stack",
    Operation.SET_VARIABLES: "set variables",
    Operation.SET_REPLICAS: "set replicas",
    Operation.SET_VERSION: "set a version",
    Operation.SET_ENABLED: "switch a service on or off",
    Operation.LIVE_LOGS: "follow its logs",
    Operation.PODS: "follow its pods",
}

_REMEDY = {
    S.CREATING: "Wait until its creation has ended, or delete it.",
    S.AWAITING: "Deploy it first.",
    S.DEPLOYING: "Wait until its deployment has ended, or cancel that task.",
    S.IMPORTING: "Wait until its import has ended, or cancel that task.",
    S.ERRORED: "Read its failed task, fix the cause, delete the instance and create it anew.",
    S.DELETING: "Wait until it is gone; then create a new one.",
    S.OK: "",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an operation may go on now. `refusal` is None when it may; `running` says that a task does it already."""

    allowed: bool
    running: bool = False
    refusal: Refused | None = None


def judge(operation: Operation, state: S, task_id: str | None = None) -> Verdict:
    """The table's answer. task_id: the task that stands in the way, for a refusal that passes by itself."""
    answer = TABLE[operation][state]
    if answer in (Answer.YES, Answer.RUNNING):
        return Verdict(True, running=answer is Answer.RUNNING)
    doing = _WORDS.get(operation, operation.value.lower().replace("_", " "))
    passing = answer is Answer.LATER
    return Verdict(
        False,
        refusal=Refused(
            "OPERATION_BLOCKED",
            f"The instance is {state}: one cannot {doing} {'yet' if passing else 'in this state'}.",
            _REMEDY[state],
            retryable=passing,
            task_id=task_id if passing else None,
            details={"operation": operation, "state": state},
        ),
    )


def check(operation: Operation, state: S, task_id: str | None = None) -> Verdict:
    """As `judge`, but raises the refusal. Raises: Refused."""
    verdict = judge(operation, state, task_id)
    if verdict.refusal is not None:
        raise verdict.refusal
    return verdict
