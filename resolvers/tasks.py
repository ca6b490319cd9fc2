"""Tasks: cancelled and repeated."""

from dataclasses import replace

from jobs import delete_instance, deploy, upgrade_stack
from jobs.deploy import Options
from jobs.start import Door, Ids
from models import Instance, Task
from resolvers.changes import Ask, Changed
from rules.access import NEEDS
from rules.enums import OnConflict, Scope, TaskState
from rules.refusals import Refused, not_found
from rules.states import Operation
from rules.tasks import REPEATS, cancel_refusal, repeat_refusal


async def cancel(ask: Ask, id: str) -> Changed:
    """Asks for a task's end; asking again changes nothing. Raises: Refused TASK_ENDED."""

    async def work(door: Door) -> Ids:
        task = await _seen(door, id, Scope.OPERATE)
        if task.instance_id is not None:
            await Instance.select_for_update(no_key=True).using_db(door.connection).get(id=task.instance_id)
        locked = await Task.select_for_update(no_key=True).using_db(door.connection).get(id=id)
        refused = cancel_refusal(TaskState(locked.state))
        if refused is not None:
            raise refused
        await door.cancel(id)
        return {"task": id, "instance": task.instance_id}

    return await ask.change(work)


async def repeat(ask: Ask, id: str, force: bool = False) -> Changed:
    """Starts a new task that does the same, judged as the operation that it repeats. Raises: Refused."""

    async def work(door: Door) -> Ids:
        task = await _seen(door, id, Scope.READ)
        refused = repeat_refusal(task.kind, TaskState(task.state))
        if refused is not None:
            raise refused
        operation = REPEATS[task.kind]
        if task.instance_id is None:
            raise not_found("input.id")
        instance = await door.instance(task.instance_id, operation, NEEDS[operation])
        door.repeats = task.id
        options = Options.of(task)
        made = await _again(door, instance, operation, replace(options, force=force or options.force))
        return {"task": made, "instance": instance.id, "cursor": str(instance.seq)}

    return await ask.change(work)


async def _again(door: Door, instance: Instance, operation: Operation, options: Options) -> str:
    match operation:
        case Operation.UPGRADE_STACK if await upgrade_stack.outdated(door, instance):
            return await upgrade_stack.accept(door, instance, OnConflict.QUEUE, options)
        case Operation.DEPLOY | Operation.UPGRADE_STACK:
            return await deploy.accept(door, instance, OnConflict.QUEUE, options, deploy.DEPLOY)
        case Operation.DELETE:
            return await delete_instance.accept(door, instance)
        case Operation.FORCE_DELETE:
            return await delete_instance.accept_force(door, instance)
    raise Refused("TASK_NOT_REPEATABLE", "This kind of task cannot be repeated.", "Start it anew.", "input.id")


async def _seen(door: Door, id: str, needs: Scope) -> Task:
    task = await Task.get_or_none(id=id, using_db=door.connection)
    if task is None:
        raise not_found("input.id")
    owners = [one for one in (task.app_id, task.instance_id) if one is not None]
    try:
        door.viewer.need(needs, task.organization_id, *owners)
    except Refused as refused:
        refused.path = "input.id"
        raise
    return task
