"""The rows of a new instance: checked, written in the door's transaction, with its app services and their values."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise.timezone import now

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.tokens import materialise
from jobs import overrides
from jobs.release import env_type
from jobs.start import Door
from live.process import current
from models import (
    AbandonedNamespace,
    App,
    AppService,
    AppServiceToken,
    Cluster,
    Environment,
    Instance,
    ServiceRevision,
    StackRevision,
    StackService,
    Variable,
)
from models.ids import new_id
from rules import names
from rules.enums import ClusterState, InstanceState
from rules.refusals import Refused, not_found


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


@dataclass(frozen=True, slots=True)
class NewInstance:
    """`stack_revision_id` None means the latest published one."""

    name: str
    title: str | None
    environment_id: str
    cluster_id: str
    stack_revision_id: str | None = None
    services: Sequence[ServiceOverride] = ()


async def write(door: Door, app: App, wanted: NewInstance, path: str) -> Instance:
    """Checks and writes the instance of a locked app. `path` is where its fields stand in the input.

    Raises: Refused INVALID_NAME, INVALID_INPUT, NAME_TAKEN, NAMESPACE_TAKEN, NOT_FOUND, STACK_REVISION_UNUSABLE,
    CLUSTER_UNAVAILABLE, HELM_UNAVAILABLE.
    """
    name = names.machine_name(wanted.name, f"{path}.name")
    namespace = names.namespace(app.name, name, f"{path}.name")
    title = names.title(wanted.title, f"{path}.title", default=name)
    if await Instance.filter(app_id=app.id, name=name, deleted_at=None).using_db(door.connection).exists():
        raise Refused("NAME_TAKEN", f"The app has an instance {name!r} already.", "Choose another.", f"{path}.name")
    environment = await Environment.get_or_none(
        id=wanted.environment_id, organization_id=app.organization_id, using_db=door.connection
    )
    if environment is None:
        raise not_found(f"{path}.environmentId")
    cluster = await _cluster(door, app, wanted.cluster_id, f"{path}.clusterId")
    revision = await _revision(door, app, wanted.stack_revision_id, f"{path}.stackRevisionId")
    await _free_namespace(door, cluster, namespace, f"{path}.name")
    instance = await Instance.create(
        using_db=door.connection,
        organization_id=app.organization_id,
        app_id=app.id,
        environment_id=environment.id,
        cluster_id=cluster.id,
        stack_revision_id=revision.id,
        name=name,
        title=title,
        namespace=namespace,
        cluster_uid=cluster.uid,
        state=InstanceState.CREATING,
        state_since=now(),
    )
    await add_services(door, instance, revision, environment.type, wanted.services, f"{path}.services")
    return instance


async def _cluster(door: Door, app: App, cluster_id: str, path: str) -> Cluster:
    cluster = await Cluster.get_or_none(
        id=cluster_id, organization_id=app.organization_id, removed_at=None, using_db=door.connection
    )
    if cluster is None:
        raise not_found(path)
    if cluster.state in (ClusterState.UNREACHABLE, ClusterState.AUTH_FAILED):
        raise Refused(
            "CLUSTER_UNAVAILABLE",
            f"The cluster {cluster.name!r} is {cluster.state}: {cluster.state_reason or 'it does not answer.'}",
            "Test the cluster, or choose another one.",
            path,
            retryable=True,
        )
    return cluster


async def _revision(door: Door, app: App, revision_id: str | None, path: str) -> StackRevision:
    mine = StackRevision.filter(organization_id=app.organization_id).using_db(door.connection)
    if revision_id is None:
        latest = await mine.filter(stack_id=app.stack_id, number__isnull=False).order_by("-number").first()
        if latest is None:
            raise Refused(
                "STACK_REVISION_UNUSABLE",
                "The app's stack has no published revision.",
                "Publish the stack's draft first.",
                path,
            )
        return latest
    revision = await mine.get_or_none(id=revision_id)
    if revision is None:
        raise not_found(path)
    if revision.number is None:
        raise Refused(
            "STACK_REVISION_UNUSABLE",
            "A draft cannot be deployed.",
            "Publish it, and use the published revision.",
            path,
        )
    if revision.stack_id != app.stack_id:
        raise Refused(
            "STACK_REVISION_UNUSABLE",
            "This revision is of another stack than the app's.",
            "Use a published revision of the app's own stack.",
            path,
        )
    return revision


async def _free_namespace(door: Door, cluster: Cluster, namespace: str, path: str) -> None:
    key = f"namespace {cluster.uid} {namespace}"
    await door.connection.execute_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [key])
    other = await Instance.get_or_none(
        cluster_uid=cluster.uid, namespace=namespace, deleted_at=None, using_db=door.connection
    )
    if other is not None:
        seen = door.viewer.sees(other.organization_id, other.app_id, other.id)
        holder = f"the instance {other.name!r} ({other.id})" if seen else "another instance"
        raise Refused(
            "NAMESPACE_TAKEN",
            f"The namespace {namespace!r} on this cluster belongs to {holder}.",
            "Choose another name or another cluster.",
            path,
            details={"namespace": namespace},
        )
    if await AbandonedNamespace.filter(cluster_uid=cluster.uid, namespace=namespace).using_db(door.connection).exists():
        raise Refused(
            "NAMESPACE_TAKEN",
            f"The namespace {namespace!r} was given up by a forced deletion and may still be on the cluster.",
            "Choose another name until it is gone.",
            path,
            details={"namespace": namespace},
        )


async def add_services(
    door: Door,
    instance: Instance,
    revision: StackRevision,
    environment_type: str,
    wanted: Sequence[ServiceOverride],
    path: str,
) -> None:
    """Writes the app services of a new instance: those of the stack revision, with what is overridden."""
    stack = StackManifest.of_data(revision.manifest)
    rows = await StackService.filter(stack_revision_id=revision.id).using_db(door.connection).order_by("position")
    chosen = {override.name: (override, f"{path}.{number}") for number, override in enumerate(wanted)}
    unknown = chosen.keys() - {row.name for row in rows}
    if unknown:
        first = min(unknown)
        raise Refused(
            "INVALID_INPUT", f"The stack has no service {first!r}.", "Use a name of the stack's.", chosen[first][1]
        )
    for row in rows:
        override, where = chosen.get(row.name, (ServiceOverride(row.name), path))
        await add_service(door, instance, stack, row, environment_type, override, where)


async def add_service(
    door: Door,
    instance: Instance,
    stack: StackManifest,
    row: StackService,
    environment_type: str,
    override: ServiceOverride,
    path: str,
) -> AppService:
    """Writes one app service with its generated values and variables."""
    source = await ServiceRevision.get(id=row.service_revision_id, using_db=door.connection)
    manifest = ServiceManifest.of_data(source.manifest)
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
        using_db=door.connection,
        organization_id=instance.organization_id,
        app_id=instance.app_id,
        instance_id=instance.id,
        service_revision_id=source.id,
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
    await _generate(door, service, manifest, stack, environment_type)
    await set_variables(door, service, override.variables, f"{path}.variables")
    return service


async def _generate(
    door: Door, service: AppService, manifest: ServiceManifest, stack: StackManifest, environment_type: str
) -> None:
    stack_service = overrides.stack_service_of(stack, service.name)
    assert stack_service is not None
    keyring = current().keyring
    values = materialise(manifest, stack, stack_service, env_type(environment_type))
    made = []
    for name, token in values.items():
        row_id = new_id("val")
        sealed = keyring.seal(token.value, row_id)
        made.append(AppServiceToken(id=row_id, app_service_id=service.id, name=name, sealed=sealed))
    await AppServiceToken.bulk_create(made, using_db=door.connection)


async def set_variables(door: Door, service: AppService, variables: Sequence[NewVariable], path: str) -> None:
    """Puts these variables in the place of the app service's own; secret ones are sealed. Raises: Refused."""
    overrides.check_variables([(one.name, one.value) for one in variables], path)
    await Variable.filter(app_service_id=service.id).using_db(door.connection).delete()
    keyring = current().keyring
    made = []
    for one in variables:
        row_id = new_id("var")
        sealed = keyring.seal(one.value, row_id) if one.secret else None
        plain = None if one.secret else one.value
        made.append(Variable(id=row_id, app_service_id=service.id, name=one.name, value=plain, sealed=sealed))
    await Variable.bulk_create(made, using_db=door.connection)


def helm_unavailable(name: str, path: str) -> Refused:
    """The one true sentence about charts."""
    return Refused(
        "HELM_UNAVAILABLE",
        f"The service {name!r} is released by a Helm chart, which Berth cannot do yet.",
        "Switch the service off, or use one without a `helm` block.",
        path,
    )
