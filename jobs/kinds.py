"""What a kind of task is made of: jobs in a graph, steps in order, and what its end means for its instance."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tortoise.backends.base.client import BaseDBAsyncClient

from rules.enums import TaskState
from settings import Settings

if TYPE_CHECKING:
    from jobs.steps import Run
    from models import Instance, Task


@dataclass(frozen=True, slots=True)
class Step:
    """`run` can always be run again from its start; a step that is done is not run again.

    undo: what is done when the step has failed for good, within the time that the step leaves to it; gives the names of
    the app services that run again what they ran before. It can be run again from its start too.
    """

    name: str
    title: str
    run: Callable[["Run"], Awaitable[None]]
    undo: Callable[["Run"], Awaitable[list[str]]] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` counts from the job's first start."""

    name: str
    title: str
    steps: tuple[Step, ...]
    deadline: Callable[[Settings], float]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ended, and, unless it is done, why: as `StepFailed.to_json`, with the `step`."""

    state: TaskState
    failure: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return self.state in (TaskState.DONE, TaskState.DONE_WITH_WARNINGS)


@dataclass(frozen=True, slots=True)
class Kind:
    """settle: writes what the ending means, in the transaction that ends the task; the instance, if any, is locked."""

    name: str
    title: str
    jobs: tuple[Job, ...]
    settle: Callable[[BaseDBAsyncClient, "Task", "Instance | None", Ending], Awaitable[None]]
