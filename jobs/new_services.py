"""The app services of an instance: their rows, generated values and variables, checked against the manifests."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise.backends.base.client import BaseDBAsyncClient

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.tokens import materialise
from jobs import overrides
from jobs.release import env_type
from live.manifests import service_manifests, stack_manifests
from live.process import current
from models import (
    AppService,
    AppServiceToken,
    Instance,
    StackRevision,
    StackService,
    Variable,
)
from models.ids import new_id
from rules.refusals import Refused


@dataclass(frozen=True, slots=True)
class NewVariable:
    """`secret` ones are sealed, and never read back."""

    name: str
    value: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ServiceOverride:
    """How one app service is to differ from what the stack says; None means as the stack says."""

    name: str
    enabled: bool | None = None
    version: str | None = None
    replicas: int | None = None
    variables: Sequence[NewVariable] = ()


async def add_services(
    connection: BaseDBAsyncClient,
    instance: Instance,
    revision: StackRevision,
    environment_type: str,
    wanted: Sequence[ServiceOverride],
    path: str,
) -> None:
    """Writes the app services of a new instance: those of the stack revision, with what is overridden."""
    stack = (await stack_manifests([revision.id]))[revision.id]
    rows = await StackService.filter(stack_revision_id=revision.id).using_db(connection).order_by("position")
    chosen = {override.name: (override, f"{path}.{number}") for number, override in enumerate(wanted)}
    unknown = chosen.keys() - {row.name for row in rows}
    if unknown:
        first = min(unknown)
        raise Refused(
            "INVALID_INPUT", f"The stack has no service {first!r}.", "Use a name of the stack's.", chosen[first][1]
        )
    for row in rows:
        override, where = chosen.get(row.name, (ServiceOverride(row.name), path))
        await add_service(connection, instance, stack, row, environment_type, override, where)


async def add_service(
    connection: BaseDBAsyncClient,
    instance: Instance,
    stack: StackManifest,
    row: StackService,
    environment_type: str,
    override: ServiceOverride,
    path: str,
) -> AppService:
    """Writes one app service with its generated values and variables."""
    manifest = (await service_manifests([row.service_revision_id]))[row.service_revision_id]
    stack_service = overrides.stack_service_of(stack, row.name)
    assert stack_service is not None
    enabled = not row.disabled if override.enabled is None else override.enabled
    if not enabled:
        overrides.check_disabled(row.required, row.main, row.name, f"{path}.enabled")
    if enabled and manifest.helm is not None:
        raise helm_unavailable(row.name, path)
    if override.version is not None:
        overrides.check_version(manifest, stack_service, override.version, f"{path}.version")
    if override.replicas is not None:
        overrides.check_replicas(manifest, row.name, override.replicas, f"{path}.replicas")
    service = await AppService.create(
        using_db=connection,
        organization_id=instance.organization_id,
        app_id=instance.app_id,
        instance_id=instance.id,
        service_revision_id=row.service_revision_id,
        position=row.position,
        name=row.name,
        title=row.title,
        type=manifest.type,
        required=row.required,
        main=row.main,
        enabled=enabled,
        replicas=override.replicas,
        option_version=override.version,
        state="NEW" if enabled else "DISABLED",
    )
    await add_tokens(connection, service, manifest, stack, environment_type)
    await put_variables(connection, service, override.variables, f"{path}.variables")
    return service


async def add_tokens(
    connection: BaseDBAsyncClient,
    service: AppService,
    manifest: ServiceManifest,
    stack: StackManifest,
    environment_type: str,
) -> None:
    """Makes the values that the app service lacks; those it has stay as they are."""
    stack_service = overrides.stack_service_of(stack, service.name)
    assert stack_service is not None
    keyring = current().keyring
    has = {row.name for row in await AppServiceToken.filter(app_service_id=service.id).using_db(connection)}
    made = []
    for name, token in materialise(manifest, stack, stack_service, env_type(environment_type)).items():
        if name not in has:
            row_id = new_id("val")
            sealed = keyring.seal(token.value, row_id)
            made.append(AppServiceToken(id=row_id, app_service_id=service.id, name=name, sealed=sealed))
    await AppServiceToken.bulk_create(made, using_db=connection)


async def put_variables(
    connection: BaseDBAsyncClient,
    service: AppService,
    variables: Sequence[NewVariable],
    path: str,
    remove: Sequence[str] = (),
) -> None:
    """Sets these variables, takes those named in `remove` away and leaves the others; secret ones are sealed.

    Raises: Refused INVALID_INPUT.
    """
    mine = Variable.filter(app_service_id=service.id).using_db(connection)
    names = [*remove, *(one.name for one in variables)]
    kept = {row.name: row.value or "" for row in await mine if row.name not in names}
    overrides.check_variables([*kept.items(), *((one.name, one.value) for one in variables)], path)
    await mine.filter(name__in=names).delete()
    keyring = current().keyring
    made = []
    for one in variables:
        row_id = new_id("var")
        sealed = keyring.seal(one.value, row_id) if one.secret else None
        plain = None if one.secret else one.value
        made.append(Variable(id=row_id, app_service_id=service.id, name=one.name, value=plain, sealed=sealed))
    await Variable.bulk_create(made, using_db=connection)


def helm_unavailable(name: str, path: str) -> Refused:
    """The one true sentence about charts."""
    return Refused(
        "HELM_UNAVAILABLE",
        f"The service {name!r} is released by a Helm chart, which Berth cannot do yet.",
        "Switch the service off, or use one without a `helm` block.",
        path,
    )
