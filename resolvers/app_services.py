"""App services: their variables, replicas, version, and whether they run. Changes count from the next deployment."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from jobs import new_services, overrides
from jobs.new_services import NewVariable
from jobs.start import Door, Ids, same_version
from live.manifests import service_manifests, stack_manifests
from models import AppService, Instance
from resolvers.changes import Ask, Changed
from rules.access import NEEDS
from rules.refusals import not_found
from rules.states import Operation

Work = Callable[[Door, AppService], Awaitable[dict[str, Any]]]


async def set_variables(
    ask: Ask,
    id: str,
    variables: Sequence[Mapping[str, Any]] = (),
    remove: Sequence[str] = (),
    expected_version: int | None = None,
) -> Changed:
    """Sets and removes variables; those that are not named stay. Raises: Refused."""

    async def work(door: Door, service: AppService) -> dict[str, Any]:
        wanted = [NewVariable(**one) for one in variables]
        await new_services.put_variables(door.connection, service, wanted, "input.variables", remove)
        return {"variables": [one.name for one in wanted], "removed": list(remove)}

    return await _configure(ask, id, Operation.SET_VARIABLES, expected_version, work)


async def set_replicas(ask: Ask, id: str, replicas: int | None = None, expected_version: int | None = None) -> Changed:
    """Sets how many pods run; None goes back to what the stack says. Raises: Refused."""

    async def work(door: Door, service: AppService) -> dict[str, Any]:
        if replicas is not None:
            manifest = await _manifest(service)
            overrides.check_replicas(manifest, service.name, replicas, "input.replicas")
        service.replicas = replicas
        return {"replicas": replicas}

    return await _configure(ask, id, Operation.SET_REPLICAS, expected_version, work)


async def set_version(
    ask: Ask, id: str, option_version: str | None = None, expected_version: int | None = None
) -> Changed:
    """Chooses one of the versions that are offered; None goes back to the stack's. Raises: Refused."""

    async def work(door: Door, service: AppService) -> dict[str, Any]:
        if option_version is not None:
            manifest = await _manifest(service)
            stack_service = overrides.stack_service_of(await _stack(door, service), service.name)
            if stack_service is None:
                raise not_found("input.id")
            overrides.check_version(manifest, stack_service, option_version, "input.optionVersion")
        service.option_version = option_version
        return {"optionVersion": option_version}

    return await _configure(ask, id, Operation.SET_VERSION, expected_version, work)


async def set_enabled(ask: Ask, id: str, enabled: bool, expected_version: int | None = None) -> Changed:
    """Switches a service on or off. Raises: Refused, also HELM_UNAVAILABLE."""

    async def work(door: Door, service: AppService) -> dict[str, Any]:
        if not enabled:
            overrides.check_disabled(service.required, service.main, service.name, "input.enabled")
        elif (await _manifest(service)).helm is not None:
            raise new_services.helm_unavailable(service.name, "input.enabled")
        service.enabled = enabled
        return {"enabled": enabled}

    return await _configure(ask, id, Operation.SET_ENABLED, expected_version, work)


async def _configure(ask: Ask, id: str, operation: Operation, expected: int | None, work: Work) -> Changed:
    """Locks instance and app service, does the work, and marks that a deployment is needed."""

    async def change(door: Door) -> Ids:
        found = await AppService.get_or_none(id=id, using_db=door.connection)
        if found is None:
            raise not_found("input.id")
        instance = await door.instance(found.instance_id, operation, NEEDS[operation])
        service = await AppService.select_for_update().using_db(door.connection).get_or_none(id=id)
        if service is None:
            raise not_found("input.id")
        same_version(service.version, expected)
        data = await work(door, service)
        service.needs_redeploy = True
        service.version += 1
        await service.save(
            using_db=door.connection,
            update_fields=["replicas", "option_version", "enabled", "needs_redeploy", "version"],
        )
        cursor = await door.tell(instance, "SERVICE", {"appServiceId": service.id, **data})
        return {"app_service": service.id, "cursor": cursor}

    return await ask.change(change)


async def _manifest(service: AppService) -> ServiceManifest:
    return (await service_manifests([service.service_revision_id]))[service.service_revision_id]


async def _stack(door: Door, service: AppService) -> StackManifest:
    instance = await Instance.get(id=service.instance_id, using_db=door.connection)
    return (await stack_manifests([instance.stack_revision_id]))[instance.stack_revision_id]
