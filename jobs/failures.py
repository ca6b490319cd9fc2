"""How a task explains why it did not come to its end: the rows of `Task.failure`."""

import traceback
from typing import Any

import structlog

from jobs.steps import StepFailed
from kube.errors import KubeError, Unreachable
from live.process import current

log = structlog.get_logger(__name__)


def failure(code: str, summary: str, step: str, **more: Any) -> dict[str, Any]:
    """A failure as a task keeps it; `more` replaces parts by their names."""
    return {"code": code, "summary": summary, "rootCause": "", "step": step, "evidence": [], "suggestedActions": [],
            "service": "", "wentBack": [], **more}  # fmt: skip


def explain(problem: Exception, task_id: str, step: str) -> dict[str, Any]:
    """Why a step failed. What is no failure of the step's own kind is a bug of Berth, and goes to its log as well."""
    match problem:
        case StepFailed():
            return failure(
                problem.code, problem.summary, step, rootCause=problem.cause, evidence=problem.evidence,
                suggestedActions=problem.do, service=problem.service,
            )  # fmt: skip
        case KubeError():
            remedy = [problem.remedy] if problem.remedy else []
            return failure(problem.code, str(problem), step, suggestedActions=remedy)
        case TimeoutError():
            return failure("DEADLINE_EXCEEDED", "It did not end before its deadline.", step)
    log.error("a step broke", task=task_id, step=step, error="".join(traceback.format_exception(problem)))
    actions = ["Repeat the task; if it fails again, look into the worker's log under the task's id."]
    return failure("INTERNAL", "Berth itself failed in this step.", step, suggestedActions=actions)


def silent(cluster_id: str, step: str) -> dict[str, Any]:
    """That a task's cluster did not answer until the task's deadline."""
    summary, reason = "The cluster did not answer before the deadline.", current().clusters.standing(cluster_id).reason
    return failure(Unreachable.code, summary, step, rootCause=reason, suggestedActions=[Unreachable.remedy])
