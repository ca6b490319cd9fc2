"""Stacks: a draft imported from text, published as a numbered revision, or discarded."""

from collections.abc import Mapping

from tortoise.timezone import now

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from jobs.start import Door, Ids
from models import Stack, StackRevision, StackService
from resolvers.changes import Ask, Changed
from resolvers.manifest_texts import Sent, put_together, read
from resolvers.owned import locked
from resolvers.services import latest
from rules.enums import Scope
from rules.refusals import Refused

Services = Mapping[str, tuple[str, ServiceManifest]]
"""By name: the id of a service's latest revision, and its manifest."""


async def import_(ask: Ask, organization_id: str, source: str, file: str = "stack.yml") -> Changed:
    """Makes the text the stack's draft. Nothing changes when the draft, or without one the latest published revision,
    says the same of the same services. Raises: Refused, also MANIFEST_INVALID.
    """
    sent = await read([("stack", file, source)])

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.CONFIGURE)
        services = await latest(door, organization_id, sent[0].mentions)
        stack_id, cursor = await write(door, organization_id, _only(sent, services), source, services)
        return {"stack": stack_id, "cursor": cursor}

    return await ask.change(work)


async def publish(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Makes the draft the next revision, of the services' latest revisions; a pinned one stays where it was pinned.

    Raises: Refused, also NOTHING_TO_PUBLISH, and MANIFEST_INVALID when the services do not fit any more.
    """

    async def work(door: Door) -> Ids:
        stack = await locked(door, Stack, id, Scope.CONFIGURE, expected_version)
        draft = await _draft(door, stack)
        if draft is None:
            raise _nothing("The stack has no draft.", "Import its manifest first.")
        sent = await read([("stack", "stack.yml", draft.source)], "input.id")
        services = await latest(door, stack.organization_id, sent[0].mentions)
        manifest = _only(sent, services, "input.id")
        rows = await _services(door, stack, draft.id, manifest, services)
        if await _published_already(door, stack, draft.manifest, rows):
            raise _nothing(
                "The draft is the same as the latest revision.", "Change the manifest, or discard the draft."
            )
        await StackService.filter(stack_revision_id=draft.id).using_db(door.connection).delete()
        await StackService.bulk_create(rows, using_db=door.connection)
        stack.latest_number += 1
        stack.version += 1
        stack.title = manifest.title
        await stack.save(using_db=door.connection, update_fields=["latest_number", "version", "title"])
        draft.number, draft.published_at = stack.latest_number, now()
        await draft.save(using_db=door.connection, update_fields=["number", "published_at"])
        data = {"stackId": stack.id, "name": stack.name, "number": draft.number, "revisionId": draft.id}
        cursor = await door.audit(stack.organization_id, "STACK_PUBLISHED", data)
        return {"stack": stack.id, "revision": draft.id, "cursor": cursor}

    return await ask.change(work)


async def discard(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Drops the draft. A stack that was never published stays, empty. Raises: Refused, also NOTHING_TO_PUBLISH."""

    async def work(door: Door) -> Ids:
        stack = await locked(door, Stack, id, Scope.CONFIGURE, expected_version)
        draft = await _draft(door, stack)
        if draft is None:
            raise _nothing("The stack has no draft.", "There is nothing to discard.")
        await draft.delete(using_db=door.connection)
        stack.version += 1
        await stack.save(using_db=door.connection, update_fields=["version"])
        data = {"stackId": stack.id, "name": stack.name}
        cursor = await door.audit(stack.organization_id, "STACK_DRAFT_DISCARDED", data)
        return {"stack": stack.id, "cursor": cursor}

    return await ask.change(work)


async def write(
    door: Door, organization_id: str, manifest: StackManifest, source: str, services: Services
) -> tuple[str, str | None]:
    """Writes the draft of a stack of a locked organization when something changed; the stack's id and the cursor."""
    data = manifest.to_data()
    stack = await Stack.get_or_none(organization_id=organization_id, name=manifest.name, using_db=door.connection)
    if stack is None:
        stack = await Stack.create(
            using_db=door.connection,
            organization_id=organization_id,
            name=manifest.name,
            title=manifest.title,
            version=0,
        )
    draft = await _draft(door, stack)
    revision = StackRevision(organization_id=organization_id, stack_id=stack.id, source=source, manifest=data)
    rows = await _services(door, stack, revision.id, manifest, services)
    if draft is None:
        same = await _published_already(door, stack, data, rows)
    else:
        same = draft.manifest == data and await _same_services(door, draft.id, rows)
    if same:
        return stack.id, None
    if draft is not None:
        await draft.delete(using_db=door.connection)
    await revision.save(using_db=door.connection, force_create=True)
    await StackService.bulk_create(rows, using_db=door.connection)
    stack.version += 1
    await stack.save(using_db=door.connection, update_fields=["version"])
    told = {"stackId": stack.id, "name": stack.name}
    return stack.id, await door.audit(organization_id, "STACK_DRAFTED", told)


def _only(sent: list[Sent], services: Services, path: str = "input.source") -> StackManifest:
    [(manifest, _)] = put_together(sent, {name: found for name, (_, found) in services.items()}, path).stacks
    return manifest


async def _draft(door: Door, stack: Stack) -> StackRevision | None:
    return await StackRevision.get_or_none(stack_id=stack.id, number=None, using_db=door.connection)


async def _services(
    door: Door, stack: Stack, revision_id: str, manifest: StackManifest, services: Services
) -> list[StackService]:
    pinned = await _pins(door, stack)
    return [
        StackService(
            stack_revision_id=revision_id,
            position=position,
            name=item.name,
            title=item.title,
            service_revision_id=(pinned.get((item.name, item.service_name)) if item.service_rev_pinned else None)
            or services[item.service_name][0],
            pinned=item.service_rev_pinned,
            required=item.required,
            disabled=item.disabled,
            main=item.main,
        )
        for position, item in enumerate(manifest.services)
    ]


async def _pins(door: Door, stack: Stack) -> dict[tuple[str, str], str]:
    """By stack service and service: the service revision that the latest published revision has pinned."""
    rows = await door.connection.execute_query_dict(
        "SELECT c.name, s.name AS service, v.id "
        "FROM stack_revision r JOIN stack_service c ON c.stack_revision_id = r.id "
        "JOIN service_revision v ON v.id = c.service_revision_id JOIN service s ON s.id = v.service_id "
        "WHERE r.stack_id = $1 AND r.number = $2 AND c.pinned",
        [stack.id, stack.latest_number],
    )
    return {(row["name"], row["service"]): row["id"] for row in rows}


async def _published_already(door: Door, stack: Stack, data: object, rows: list[StackService]) -> bool:
    published = await StackRevision.get_or_none(stack_id=stack.id, number=stack.latest_number, using_db=door.connection)
    return published is not None and published.manifest == data and await _same_services(door, published.id, rows)


async def _same_services(door: Door, revision_id: str, rows: list[StackService]) -> bool:
    there = await StackService.filter(stack_revision_id=revision_id).using_db(door.connection)
    return {row.name: row.service_revision_id for row in there} == {row.name: row.service_revision_id for row in rows}


def _nothing(message: str, remedy: str) -> Refused:
    return Refused("NOTHING_TO_PUBLISH", message, remedy, "input.id")
