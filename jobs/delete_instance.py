"""Deletes an instance: its namespace by UID, followed to its end, with what holds it up shown on the way."""

import asyncio
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from jobs.kinds import Ending, Job, Kind, Step
from jobs.moves import move, tell
from jobs.start import Door
from jobs.steps import Run, StepFailed
from kube import namespaces
from kube.clients import Cluster as Client
from kube.errors import KubeError, NamespaceForeign
from kube.namespaces import Holding
from live.process import current
from models import AbandonedNamespace, Applied, Instance, Task
from models.keyring import KeyringError
from rules.enums import InstanceState, TaskState
from rules.transitions import Change

_LAST_LOOK = 3.0
"""Seconds for which a forced deletion still waits for the cluster."""


async def accept(door: Door, instance: Instance) -> str:
    """Starts the deletion of a locked instance, or answers with the one that runs; returns the task's id."""
    if instance.state == InstanceState.DELETING:
        return str((await door.active(instance.id))[-1]["id"])
    for task in await door.active(instance.id):
        await door.cancel(task["id"])
    await move(door.connection, instance, Change.DELETE_ACCEPTED)
    return (await door.start(DELETE, organization_id=instance.organization_id, instance=instance)).id


async def accept_force(door: Door, instance: Instance) -> str:
    """Starts a deletion that gives up on the cluster; a running deletion is superseded. Returns the task's id."""
    for task in await door.active(instance.id):
        await door.cancel(task["id"])
    if instance.state != InstanceState.DELETING:
        await move(door.connection, instance, Change.DELETE_ACCEPTED)
    return (await door.start(FORCE_DELETE, organization_id=instance.organization_id, instance=instance)).id


async def delete_namespace(run: Run) -> None:
    """Asks for the namespace's end; one that is not there, or another's, is left alone."""
    instance, client = await run.instance(), await run.cluster()
    uid = await _uid(client, instance)
    if uid is None:
        return await run.log(f"There is no namespace {instance.namespace} of this instance.")
    if uid != instance.namespace_uid:
        async with run.fenced() as (connection, _):
            await Instance.filter(id=instance.id).using_db(connection).update(namespace_uid=uid)
    if await _delete(run, client, instance, uid):
        await run.log(f"The namespace {instance.namespace} is being deleted.")
    return None


async def wait_until_gone(run: Run) -> None:
    """Follows the deletion, showing what holds the namespace up."""
    instance, client = await run.instance(), await run.cluster()
    if instance.namespace_uid is None:
        return
    async for holdings in namespaces.follow_deletion(client, instance.namespace, instance.namespace_uid):
        await _show(run, holdings)
    await client.verify()  # another cluster does not have it either
    await run.say(f"the namespace {instance.namespace} is gone")


async def _show(run: Run, holdings: tuple[Holding, ...]) -> None:
    rows = [
        {"kind": one.kind, "name": one.name, "finalizers": list(one.finalizers), "since": one.since,
         "message": one.message}
        for one in holdings
    ]  # fmt: skip
    async with run.fenced(with_instance=True) as (connection, instance):
        assert instance is not None
        instance.holding = rows
        await instance.save(using_db=connection, update_fields=["holding"])
        await tell(connection, instance, "HOLDING", {"holding": rows})
    if holdings:
        first = holdings[0]
        more = f" and {len(holdings) - 1} more" if len(holdings) > 1 else ""
        by = f" with the finalizers {', '.join(first.finalizers)}" if first.finalizers else ""
        what = f"{first.kind} {first.name}{by}" if first.name else first.message
        await run.say(f"held up by {what}{more}")


async def _uid(client: Client, instance: Instance) -> str | None:
    if instance.namespace_uid is not None:
        return instance.namespace_uid
    return await namespaces.owned_uid(client, instance.namespace, current().installation, instance.id)


async def _delete(run: Run, client: Client, instance: Instance, uid: str) -> bool:
    """Asks for the end of the namespace; False when it is gone, and the name another's. Raises: KubeError."""
    try:
        await namespaces.delete(client, instance.namespace, uid)
    except NamespaceForeign:
        await run.log(f"The instance's namespace is gone: another one is named {instance.namespace}, and left alone.")
        return False
    return True


async def give_up(run: Run) -> None:
    """Asks the cluster once, waits a moment, and keeps in mind what may still be there."""
    instance = await run.instance()
    try:
        async with asyncio.timeout(_LAST_LOOK):
            client = await run.cluster()
            uid = await _uid(client, instance)
            if uid is None:
                return await run.log(f"There is no namespace {instance.namespace} of this instance.")
            await _delete(run, client, instance, uid)
            async for holdings in namespaces.follow_deletion(client, instance.namespace, uid):
                await _show(run, holdings)
            await client.verify()
            return await run.log(f"The namespace {instance.namespace} is gone.")
    except (KubeError, StepFailed, KeyringError, TimeoutError) as problem:
        why = str(problem) or f"it was not gone within {_LAST_LOOK:g} s"
    return await _abandon(run, instance, why)


async def _abandon(run: Run, instance: Instance, why: str) -> None:
    async with run.fenced() as (connection, _):
        await AbandonedNamespace.get_or_create(
            {
                "organization_id": instance.organization_id,
                "cluster_id": instance.cluster_id,
                "namespace_uid": instance.namespace_uid,
                "instance_id": instance.id,
                "task_id": run.task.id,
            },
            using_db=connection,
            cluster_uid=instance.cluster_uid,
            namespace=instance.namespace,
        )
    await run.warn(f"The namespace {instance.namespace} may still be on the cluster: {why}")


async def settle(connection: BaseDBAsyncClient, task: Task, instance: Instance | None, ending: Ending) -> None:
    """A deletion that ended well leaves nothing; else the instance is ERRORED, unless a forced one waits behind."""
    if instance is None or instance.state != InstanceState.DELETING:
        return
    if ending.well:
        await Applied.filter(instance_id=instance.id).using_db(connection).delete()
        await move(connection, instance, Change.GONE, task.id)
    elif not await _superseded(connection, task):
        await move(connection, instance, Change.CLEANUP_FAILED, task.id)


async def _superseded(connection: BaseDBAsyncClient, task: Task) -> bool:
    later: list[dict[str, Any]] = await connection.execute_query_dict(
        "SELECT id FROM task WHERE instance_id = $1 AND ended_at IS NULL AND kind = $2 AND id <> $3 "
        "AND cancel_requested_at IS NULL",
        [task.instance_id, FORCE_DELETE.name, task.id],
    )
    return bool(later) and task.state != TaskState.DONE


DELETE = Kind(
    "DELETE_INSTANCE",
    "Delete the instance",
    (
        Job(
            "clean-up",
            "Clean up",
            (
                Step("delete-namespace", "Delete the namespace", delete_namespace),
                Step("wait", "Wait until the namespace is gone", wait_until_gone),
            ),
            lambda settings: settings.delete_deadline,
        ),
    ),
    settle,
)
FORCE_DELETE = Kind(
    "FORCE_DELETE_INSTANCE",
    "Delete the instance by force",
    (Job("give-up", "Give up", (Step("give-up", "Ask the cluster once more", give_up),), lambda s: s.delete_deadline),),
    settle,
)
