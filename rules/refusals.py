"""Why something was refused: the one error that rules raise, and that one place turns into a payload's problems."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """A refusal a person can act on.

    code: one of the codes in `schema/problems.py`, upper snake case (INVALID_NAME, OPERATION_BLOCKED, NOT_FOUND ...).
    message: one true sentence. remedy: what to do about it. path: the input field it is about ("input.name").
    retryable: the same request may pass later without a change. task_id: the task that stands in the way.
    details: values for the fields of the concrete problem type.
    """

    code: str
    message: str
    remedy: str = ""
    path: str | None = None
    retryable: bool = False
    task_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def not_found(path: str | None = None) -> Refused:
    """What one may not see does not exist: one answer for an unknown id, another type's and another tenant's."""
    return Refused("NOT_FOUND", "There is no such object, or you may not see it.", "Check the id.", path)
