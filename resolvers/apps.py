"""Apps: created with their first instance, renamed and deleted."""

from collections.abc import Mapping
from typing import Any

from jobs import create_instance, delete_app
from jobs.start import Door, Ids
from models import App, Project, Stack
from resolvers.changes import Ask, Changed
from resolvers.instances import new_instance
from rules import names
from rules.enums import Scope
from rules.refusals import not_found


async def create(
    ask: Ask,
    organization_id: str,
    stack_id: str,
    name: str,
    instance: Mapping[str, Any],
    title: str | None = None,
    project_id: str | None = None,
) -> Changed:
    """Creates the app, and starts the creation of its first instance. Raises: Refused."""
    names.machine_name(name, "input.name")
    chosen = names.title(title, "input.title", default=name)

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.CONFIGURE)
        stack = await Stack.get_or_none(id=stack_id, organization_id=organization_id, using_db=door.connection)
        if stack is None:
            raise not_found("input.stackId")
        if project_id is not None:
            mine = Project.filter(id=project_id, organization_id=organization_id).using_db(door.connection)
            if not await mine.exists():
                raise not_found("input.projectId")
        app = await App.create(
            using_db=door.connection,
            organization_id=organization_id,
            stack_id=stack.id,
            project_id=project_id,
            name=name,
            title=chosen,
        )
        await door.audit(organization_id, "APP_CREATED", {"appId": app.id, "name": name})
        made, task = await create_instance.accept(door, app, new_instance(instance), "input.instance")
        return {"app": app.id, "instance": made.id, "task": task.id, "cursor": str(made.seq)}

    return await ask.change(work)


async def rename(ask: Ask, id: str, title: str, expected_version: int | None = None) -> Changed:
    """Changes the title; the machine name is permanent. Raises: Refused."""
    chosen = names.title(title, "input.title")

    async def work(door: Door) -> Ids:
        app = await door.app(id, Scope.CONFIGURE, expected_version)
        app.title = chosen
        app.version += 1
        await app.save(using_db=door.connection, update_fields=["title", "version"])
        data = {"appId": app.id, "title": chosen}
        return {"app": app.id, "cursor": await door.audit(app.organization_id, "APP_RENAMED", data)}

    return await ask.change(work)


async def delete(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Starts the deletion of the app with all of its instances. Raises: Refused."""

    async def work(door: Door) -> Ids:
        app = await door.app(id, Scope.ADMIN, expected_version)
        cursor = await door.audit(app.organization_id, "APP_DELETED", {"appId": app.id, "name": app.name})
        return {"app": app.id, "task": await delete_app.accept(door, app), "cursor": cursor}

    return await ask.change(work)
