"""Services and stacks for tests: manifests that are made up, and the rows that an import would write."""

from datetime import UTC, datetime
from typing import Any

import yaml

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from models import Organization, Service, ServiceRevision, Stack, StackRevision, StackService


def service_manifest(name: str, **more: Any) -> dict[str, Any]:
    """A manifest of one deployment with one HTTP port; `more` replaces its fields."""
    container = {"name": name, "image": f"registry.local/{name}"}
    return {
        "name": name,
        "title": name.title(),
        "type": "service",
        "scalable": True,
        "options": [{"version": "1.1", "default": True}, {"version": "1.0"}],
        "workloads": [{"name": name, "kind": "deployment", "primary": True, "containers": [container]}],
        "endpoints": [
            {
                "name": name,
                "workload": name,
                "main": True,
                "ports": [{"name": "http", "number": 80, "protocol": "http"}],
            }
        ],
        **more,
    }


async def service(of: Organization, name: str = "web", manifest: dict[str, Any] | None = None) -> ServiceRevision:
    """The first revision of a new service, or the next one of a service that is there."""
    data = manifest or service_manifest(name)
    read = ServiceManifest.of_data(data)
    row, _ = await Service.get_or_create({"title": read.title, "type": read.type}, organization_id=of.id, name=name)
    row.latest_number += 1
    await row.save(update_fields=["latest_number"])
    return await ServiceRevision.create(
        organization_id=of.id,
        service_id=row.id,
        number=row.latest_number,
        source=yaml.safe_dump(data, sort_keys=False),
        manifest=read.to_data(),
    )


async def stack(
    of: Organization,
    name: str = "shop",
    services: tuple[ServiceRevision, ...] = (),
    *,
    draft: bool = False,
    **more: Any,
) -> StackRevision:
    """A published revision of a stack (or its draft) with these services, the first of them main and required.

    more: by the name of a service, values for its entry in the manifest ({"web": {"replicas": 2}}).
    """
    services = services or (await service(of),)
    named = [(await Service.get(id=revision.service_id)).name for revision in services]
    data = {
        "name": name,
        "title": name.title(),
        "services": [
            {
                "name": each,
                "title": each.title(),
                "service": each,
                "main": not at,
                "required": not at,
                **more.get(each, {}),
            }
            for at, each in enumerate(named)
        ],
    }
    read = StackManifest.of_data(data)
    row, _ = await Stack.get_or_create({"title": read.title}, organization_id=of.id, name=name)
    if not draft:
        row.latest_number += 1
        await row.save(update_fields=["latest_number"])
    revision = await StackRevision.create(
        organization_id=of.id,
        stack_id=row.id,
        number=None if draft else row.latest_number,
        published_at=None if draft else datetime.now(UTC),
        source=yaml.safe_dump(data, sort_keys=False),
        manifest=read.to_data(),
    )
    for position, (item, service_revision) in enumerate(zip(read.services, services, strict=True)):
        await StackService.create(
            stack_revision_id=revision.id,
            position=position,
            name=item.name,
            title=item.title,
            service_revision_id=service_revision.id,
            pinned=item.service_rev_pinned,
            required=item.required,
            disabled=item.disabled,
            main=item.main,
        )
    return revision
