"""Environments: made, changed and deleted."""

from jobs.start import Door, Ids
from models import Environment, Instance
from resolvers.changes import Ask, Changed
from resolvers.owned import in_use, locked
from rules import names
from rules.enums import EnvironmentType, Scope


async def create(ask: Ask, organization_id: str, name: str, type: EnvironmentType, title: str | None = None) -> Changed:
    """Raises: Refused INVALID_NAME, INVALID_INPUT, NAME_TAKEN."""
    names.machine_name(name, "input.name")
    chosen = names.title(title, "input.title", default=name)

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.ADMIN)
        row = await Environment.create(
            using_db=door.connection, organization_id=organization_id, name=name, title=chosen, type=type.value
        )
        data = {"environmentId": row.id, "name": name, "type": type}
        return {"environment": row.id, "cursor": await door.audit(organization_id, "ENVIRONMENT_CREATED", data)}

    return await ask.change(work)


async def update(
    ask: Ask,
    id: str,
    title: str | None = None,
    type: EnvironmentType | None = None,
    expected_version: int | None = None,
) -> Changed:
    """Changes what is given. The type stays while an instance uses it. Raises: Refused, also IN_USE."""

    async def work(door: Door) -> Ids:
        row = await locked(door, Environment, id, Scope.ADMIN, expected_version)
        if type is not None and type != row.type:
            await _unused(door, row, "input.type", "its type cannot change")
            row.type = type.value
        row.title = names.title(title, "input.title", default=row.title)
        row.version += 1
        await row.save(using_db=door.connection, update_fields=["title", "type", "version"])
        data = {"environmentId": row.id, "title": row.title, "type": row.type}
        return {"environment": row.id, "cursor": await door.audit(row.organization_id, "ENVIRONMENT_UPDATED", data)}

    return await ask.change(work)


async def delete(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Raises: Refused, also IN_USE while an instance uses it."""

    async def work(door: Door) -> Ids:
        row = await locked(door, Environment, id, Scope.ADMIN, expected_version)
        await _unused(door, row, "input.id", "it cannot be deleted")
        await row.delete(using_db=door.connection)
        data = {"environmentId": row.id, "name": row.name}
        cursor = await door.audit(row.organization_id, "ENVIRONMENT_DELETED", data)
        return {"organization": row.organization_id, "deleted": row.id, "cursor": cursor}

    return await ask.change(work)


async def _unused(door: Door, row: Environment, path: str, consequence: str) -> None:
    """The row's lock keeps new instances out until the transaction ends."""
    instances = Instance.filter(environment_id=row.id, deleted_at=None).using_db(door.connection)
    in_use(await instances.count(), "environment", consequence, path)
