"""The only writer of an instance's state: the table of transitions put into rows and events."""

from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.timezone import now

from models import Instance
from models.event import append
from rules.enums import InstanceState
from rules.transitions import Change, after


async def lock(connection: BaseDBAsyncClient, instance_id: str) -> Instance:
    """The instance's row, locked until the transaction ends."""
    return await Instance.select_for_update(no_key=True).using_db(connection).get(id=instance_id)


async def move(
    connection: BaseDBAsyncClient, instance: Instance, change: Change, task_id: str | None = None
) -> InstanceState | None:
    """Changes the state of a locked instance as the table says, and tells its viewers.

    task_id: the task that did it, kept as the cause when the instance becomes ERRORED. Returns the new state, None
    when it is gone. Raises: ImpossibleChange.
    """
    old = InstanceState(instance.state)
    new = after(old, change, InstanceState(instance.state_before) if instance.state_before else None)
    if change is Change.DEPLOY_ACCEPTED:
        instance.state_before = old.value
    elif new is not InstanceState.DEPLOYING:
        instance.state_before = None
    instance.failed_task_id = task_id if new is InstanceState.ERRORED else None
    instance.state_since = now()
    if new is None:
        instance.deleted_at = instance.state_since
        instance.holding = []
    else:
        instance.state = new.value
    instance.version += 1
    await instance.save(
        using_db=connection,
        update_fields=[
            "state", "state_before", "state_since", "failed_task_id", "deleted_at", "holding", "version",
        ],
    )  # fmt: skip
    await tell(
        connection,
        instance,
        "STATE" if new is not None else "GONE",
        {"state": new, "before": old, "since": instance.state_since.isoformat(), "taskId": task_id},
    )
    return new


async def tell(
    connection: BaseDBAsyncClient, instance: Instance, kind: str, data: dict[str, Any], actor_id: str | None = None
) -> int:
    """Appends an event to an instance's stream; its number is the cursor."""
    number = await append(connection, instance.id, instance.organization_id, kind, data, actor_id=actor_id)
    instance.seq = number
    return number
