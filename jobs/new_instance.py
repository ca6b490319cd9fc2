"""The rows of a new instance: checked, written in the door's transaction, with its app services and their values."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise.timezone import now

from jobs.new_services import ServiceOverride, add_services
from jobs.start import Door
from models import (
    AbandonedNamespace,
    App,
    Cluster,
    Environment,
    Instance,
    StackRevision,
)
from rules import names
from rules.enums import ClusterState, InstanceState
from rules.refusals import Refused, not_found


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
    await _hold(door, "environment", wanted.environment_id)
    environment = await Environment.get_or_none(
        id=wanted.environment_id, organization_id=app.organization_id, using_db=door.connection
    )
    if environment is None:
        raise not_found(f"{path}.environmentId")
    await _hold(door, "cluster", wanted.cluster_id)
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
    await add_services(door.connection, instance, revision, environment.type, wanted.services, f"{path}.services")
    return instance


async def _hold(door: Door, table: str, id: str) -> None:
    """Keeps a row from going until the transaction ends; who is taking it away now is waited for."""
    await door.connection.execute_query(f"SELECT 1 FROM {table} WHERE id = $1 FOR KEY SHARE", [id])


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
