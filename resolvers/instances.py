"""Instances: created, renamed, deployed, upgraded and deleted."""

from collections.abc import Mapping
from typing import Any

from jobs import create_instance, delete_instance, deploy, upgrade_stack
from jobs.deploy import Options
from jobs.new_instance import NewInstance
from jobs.new_services import NewVariable, ServiceOverride
from jobs.start import Door, Ids
from resolvers.changes import Ask, Changed
from rules import names
from rules.access import NEEDS
from rules.enums import OnConflict, Scope
from rules.states import Operation


def new_instance(given: Mapping[str, Any]) -> NewInstance:
    """The wish that an input object stands for."""
    services = [
        ServiceOverride(**{**one, "variables": [NewVariable(**variable) for variable in one.get("variables") or ()]})
        for one in given.get("services") or ()
    ]
    return NewInstance(
        name=given["name"],
        title=given.get("title"),
        environment_id=given["environment_id"],
        cluster_id=given["cluster_id"],
        stack_revision_id=given.get("stack_revision_id"),
        services=services,
    )


async def create(ask: Ask, app_id: str, instance: Mapping[str, Any]) -> Changed:
    """Starts the creation of an instance. Raises: Refused."""

    async def work(door: Door) -> Ids:
        app = await door.app(app_id, Scope.CONFIGURE, path="input.appId")
        made, task = await create_instance.accept(door, app, new_instance(instance), "input.instance")
        return {"instance": made.id, "task": task.id, "cursor": str(made.seq)}

    return await ask.change(work)


async def rename(ask: Ask, id: str, title: str, expected_version: int | None = None) -> Changed:
    """Changes the title; the machine name is permanent. Raises: Refused."""
    chosen = names.title(title, "input.title")

    async def work(door: Door) -> Ids:
        instance = await door.instance(id, Operation.RENAME, NEEDS[Operation.RENAME], expected_version)
        instance.title = chosen
        instance.version += 1
        await instance.save(using_db=door.connection, update_fields=["title", "version"])
        return {"instance": instance.id, "cursor": await door.tell(instance, "CHANGED", {"title": chosen})}

    return await ask.change(work)


async def roll_out(
    ask: Ask,
    id: str,
    on_conflict: OnConflict = OnConflict.QUEUE,
    force: bool = False,
    delete_claims: bool = False,
    expected_version: int | None = None,
) -> Changed:
    """Starts a deployment of what the instance is set up to run. Raises: Refused."""

    async def work(door: Door) -> Ids:
        instance = await door.instance(id, Operation.DEPLOY, NEEDS[Operation.DEPLOY], expected_version)
        task = await deploy.accept(door, instance, on_conflict, Options(force, delete_claims), deploy.DEPLOY)
        return {"instance": instance.id, "task": task, "cursor": str(instance.seq)}

    return await ask.change(work)


async def upgrade(
    ask: Ask,
    id: str,
    on_conflict: OnConflict = OnConflict.QUEUE,
    force: bool = False,
    delete_claims: bool = False,
    expected_version: int | None = None,
) -> Changed:
    """Starts the upgrade to the latest published revision of its stack. Raises: Refused."""

    async def work(door: Door) -> Ids:
        needs = NEEDS[Operation.UPGRADE_STACK]
        instance = await door.instance(id, Operation.UPGRADE_STACK, needs, expected_version)
        task = await upgrade_stack.accept(door, instance, on_conflict, Options(force, delete_claims))
        return {"instance": instance.id, "task": task, "cursor": str(instance.seq)}

    return await ask.change(work)


async def delete(ask: Ask, id: str, force: bool = False, expected_version: int | None = None) -> Changed:
    """Starts the deletion, or answers with the one that runs; `force` gives up on the cluster. Raises: Refused."""
    operation = Operation.FORCE_DELETE if force else Operation.DELETE

    async def work(door: Door) -> Ids:
        instance = await door.instance(id, operation, NEEDS[operation], expected_version)
        accept = delete_instance.accept_force if force else delete_instance.accept
        task = await accept(door, instance)
        return {"instance": instance.id, "task": task, "cursor": str(instance.seq)}

    return await ask.change(work)
