"""Services: imported from text, each change of their manifest a revision."""

from collections.abc import Collection

from catalogue.services import ServiceManifest
from jobs.start import Door, Ids
from models import Service, ServiceRevision
from resolvers.changes import Ask, Changed
from resolvers.manifest_texts import put_together, read
from rules.enums import Scope


async def import_(ask: Ask, organization_id: str, source: str, file: str = "service.yml") -> Changed:
    """A new revision when the manifest, with what it inherits, differs from the latest one.

    Raises: Refused, also MANIFEST_INVALID.
    """
    sent = await read([("service", file, source)])

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.CONFIGURE)
        known = await latest(door, organization_id, sent[0].mentions)
        [(manifest, text)] = put_together(sent, {name: found for name, (_, found) in known.items()}).services
        service_id, cursor = await write(door, organization_id, manifest, text)
        return {"service": service_id, "cursor": cursor}

    return await ask.change(work)


async def latest(door: Door, organization_id: str, names: Collection[str]) -> dict[str, tuple[str, ServiceManifest]]:
    """By name: the id of a service's latest revision, and its manifest."""
    rows = await door.connection.execute_query_dict(
        "SELECT s.name, r.id, r.manifest::text AS manifest FROM service s "
        "JOIN service_revision r ON r.service_id = s.id AND r.number = s.latest_number "
        "WHERE s.organization_id = $1 AND s.name = ANY($2)",
        [organization_id, sorted(names)],
    )
    return {row["name"]: (row["id"], ServiceManifest.model_validate_json(row["manifest"])) for row in rows}


async def write(door: Door, organization_id: str, manifest: ServiceManifest, source: str) -> tuple[str, str | None]:
    """Writes the service of a locked organization, and a revision when something changed; its id and the cursor."""
    data = manifest.to_data()
    service = await Service.get_or_none(organization_id=organization_id, name=manifest.name, using_db=door.connection)
    if service is None:
        service = Service(
            organization_id=organization_id, name=manifest.name, title=manifest.title, type=manifest.type, version=0
        )
        await service.save(using_db=door.connection, force_create=True)
    else:
        current = await ServiceRevision.get(
            service_id=service.id, number=service.latest_number, using_db=door.connection
        )
        if current.manifest == data:
            return service.id, None
    service.latest_number += 1
    service.version += 1
    service.title, service.type = manifest.title, manifest.type
    await ServiceRevision.create(
        using_db=door.connection,
        organization_id=organization_id,
        service_id=service.id,
        number=service.latest_number,
        source=source,
        manifest=data,
    )
    await service.save(using_db=door.connection, update_fields=["latest_number", "version", "title", "type"])
    told = {"serviceId": service.id, "name": service.name, "number": service.latest_number}
    return service.id, await door.audit(organization_id, "SERVICE_REVISED", told)
