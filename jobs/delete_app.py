"""Deletes an app: the deletion of every instance, and the app itself when they are all gone."""

import asyncio

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.timezone import now

from jobs import delete_instance
from jobs.kinds import Ending, Job, Kind, Step
from jobs.start import Door
from jobs.steps import Run, StepFailed
from models import App, Instance, Task
from rules.enums import InstanceState

_LOOK_AGAIN = 0.5


async def accept(door: Door, app: App) -> str:
    """Starts the deletion of a locked app's instances, and the task that waits for them; returns that task's id."""
    mine = Instance.filter(app_id=app.id, deleted_at=None).using_db(door.connection)
    for instance in await mine.select_for_update(no_key=True).order_by("id"):
        await delete_instance.accept(door, instance)
    task = await door.start(DELETE_APP, organization_id=app.organization_id, app_id=app.id)
    return task.id


async def wait_for_instances(run: Run) -> None:
    """Ends when no instance is left; fails when one could not be deleted."""
    while True:
        left = await Instance.filter(app_id=run.task.app_id, deleted_at=None).order_by("name")
        if not left:
            return
        stuck = [one.name for one in left if one.state == InstanceState.ERRORED]
        if stuck and len(stuck) == len(left):
            raise StepFailed(
                "INSTANCES_LEFT",
                f"{len(stuck)} of the app's instances could not be deleted: {', '.join(stuck)}.",
                do=["Read the failed task of each, delete it again (by force if need be), then delete the app again."],
            )
        await run.say(f"{len(left)} instances are left: {', '.join(one.name for one in left[:5])}")
        await asyncio.sleep(_LOOK_AGAIN)


async def settle(connection: BaseDBAsyncClient, task: Task, _instance: Instance | None, ending: Ending) -> None:
    """An app without instances is gone."""
    if ending.well:
        await App.filter(id=task.app_id, deleted_at=None).using_db(connection).update(deleted_at=now())


DELETE_APP = Kind(
    "DELETE_APP",
    "Delete the app",
    (
        Job(
            "delete",
            "Delete",
            (Step("wait", "Wait until the instances are gone", wait_for_instances),),
            lambda settings: settings.delete_deadline + 60,
        ),
    ),
    settle,
)
