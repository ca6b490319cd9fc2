"""Upgrades an instance to its stack's latest published revision: app services matched by name, then a deployment."""

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F

from catalogue.stacks import StackManifest
from jobs import deploy, new_services, overrides
from jobs.kinds import Job, Kind, Step
from jobs.moves import tell
from jobs.start import Door
from jobs.steps import Run, StepFailed
from live.manifests import service_manifests, stack_manifests
from models import (
    AppService,
    Deployment,
    Environment,
    Instance,
    StackRevision,
    StackService,
)
from rules.enums import OnConflict
from rules.refusals import Refused


async def accept(door: Door, instance: Instance, on_conflict: OnConflict, options: deploy.Options) -> str:
    """Starts the upgrade of a locked instance; returns the task's id.

    Raises: Refused STACK_REVISION_UNUSABLE when it has the latest revision already, HELM_UNAVAILABLE.
    """
    current = await StackRevision.get(id=instance.stack_revision_id, using_db=door.connection)
    latest = await latest_of(current, door.connection)
    if latest.id == current.id:
        raise Refused(
            "STACK_REVISION_UNUSABLE",
            f"The instance has the latest published revision, #{current.number}, already.",
            "Publish a new revision of the stack first.",
            "input.id",
        )
    return await deploy.accept(door, instance, on_conflict, options, UPGRADE)


async def outdated(door: Door, instance: Instance) -> bool:
    """Whether its stack has a newer published revision."""
    current = await StackRevision.get(id=instance.stack_revision_id, using_db=door.connection)
    return (await latest_of(current, door.connection)).id != current.id


async def latest_of(revision: StackRevision, connection: BaseDBAsyncClient) -> StackRevision:
    """The latest published revision of the same stack."""
    published = StackRevision.filter(stack_id=revision.stack_id, number__isnull=False).using_db(connection)
    found = await published.order_by("-number").first()
    assert found is not None
    return found


async def move_to_latest(run: Run) -> None:
    """Moves matched app services to the new revision, adds new ones, takes out those the stack no longer has."""
    async with run.fenced(with_instance=True) as (connection, instance):
        assert instance is not None
        latest = await latest_of(
            await StackRevision.get(id=instance.stack_revision_id, using_db=connection), connection
        )
        try:
            said = await _match(connection, instance, latest)
        except Refused as refused:
            raise StepFailed(refused.code, refused.message, do=[refused.remedy]) from refused
        instance.stack_revision_id = latest.id
        instance.version += 1
        await instance.save(using_db=connection, update_fields=["stack_revision_id", "version"])
        await tell(connection, instance, "CHANGED", {"stackRevisionId": latest.id, "number": latest.number})
        deployment = Deployment.filter(task_id=run.task.id).using_db(connection)
        await deployment.update(stack_revision_id=latest.id)
    await run.log(f"The instance is at revision #{latest.number}.", *said)


async def _match(connection: BaseDBAsyncClient, instance: Instance, latest: StackRevision) -> list[str]:
    """Raises: Refused HELM_UNAVAILABLE for a new enabled service that a chart releases."""
    stack = (await stack_manifests([latest.id]))[latest.id]
    wanted = {row.name: row for row in await StackService.filter(stack_revision_id=latest.id).using_db(connection)}
    present = {row.name: row for row in await AppService.filter(instance_id=instance.id).using_db(connection)}
    environment = await Environment.get(id=instance.environment_id, using_db=connection)
    said = []
    for name, row in wanted.items():
        if name in present:
            await _update(connection, present[name], row, stack, environment.type)
            continue
        override = new_services.ServiceOverride(name)
        await new_services.add_service(connection, instance, stack, row, environment.type, override, "")
        said.append(f"The service {name} is new.")
    for name, one in present.items():
        if name not in wanted:
            await one.delete(using_db=connection)
            said.append(f"The service {name} is no longer part of the stack.")
    return said


async def _update(
    connection: BaseDBAsyncClient, one: AppService, row: StackService, stack: StackManifest, environment_type: str
) -> None:
    """Moves an app service to its new revision; a version that is no longer offered gives way to the stack's."""
    manifest = (await service_manifests([row.service_revision_id]))[row.service_revision_id]
    stack_service = overrides.stack_service_of(stack, row.name)
    assert stack_service is not None
    keeps = one.option_version in overrides.options(manifest, stack_service)
    await new_services.add_tokens(connection, one, manifest, stack, environment_type)
    await (
        AppService.filter(id=one.id)
        .using_db(connection)
        .update(
            service_revision_id=row.service_revision_id,
            position=row.position,
            title=row.title,
            type=manifest.type,
            required=row.required,
            main=row.main,
            option_version=one.option_version if keeps else None,
            version=F("version") + 1,
        )
    )


UPGRADE = Kind(
    "UPGRADE_INSTANCE",
    "Upgrade the instance to the latest stack revision",
    (
        Job(
            "deploy",
            "Upgrade and deploy",
            (
                Step("begin", "Check the instance", deploy.begin),
                Step("move", "Move to the latest revision", move_to_latest),
                *deploy.ROLL_OUT,
            ),
            lambda settings: settings.deploy_deadline,
        ),
    ),
    deploy.settle,
)
