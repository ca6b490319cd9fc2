"""Clusters: registered, changed, looked at and removed. A cluster is asked before the transaction, never inside it."""

from dataclasses import asdict, dataclass
from typing import Any

from tortoise.timezone import now

from jobs.start import Door, Ids
from kube.check import Check, Report, check
from kube.clients import connect
from kube.errors import AddressRefused, ClusterChanged, KubeconfigInvalid, KubeError
from kube.kubeconfig import Access, in_cluster
from kube.kubeconfig import read as read_kubeconfig
from live.cluster_state import state_of
from live.process import current
from models import AbandonedNamespace, Cluster, Instance
from models.ids import new_id
from models.keyring import KeyringError
from resolvers.changes import Ask, Changed
from resolvers.owned import in_use, locked
from rules import names
from rules.enums import ClusterKind, ClusterState, Scope
from rules.refusals import Refused, not_found
from settings import settings


@dataclass(frozen=True, slots=True)
class Found:
    """How a cluster is reached, and what it said of itself."""

    server: str
    report: Report


async def register(
    ask: Ask,
    organization_id: str,
    name: str,
    kind: ClusterKind = ClusterKind.KUBECONFIG,
    title: str | None = None,
    kubeconfig: str | None = None,
) -> Changed:
    """Keeps a cluster that answered and lets Berth do what it needs to.

    Raises: Refused, also NAME_TAKEN, CLUSTER_REFUSED, CLUSTER_UNAVAILABLE.
    """
    names.machine_name(name, "input.name")
    chosen = names.title(title, "input.title", default=name)
    _may(ask, organization_id, "input.organizationId")
    done = await ask.earlier()
    if done is not None:
        return done
    found = await _usable(_access(kind, kubeconfig))

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.ADMIN)
        row = Cluster(
            id=new_id("cls"),
            organization_id=organization_id,
            name=name,
            title=chosen,
            kind=kind.value,
            server=found.server,
            uid=found.report.uid,
            **_seen(found.report),
        )
        row.kubeconfig = None if kubeconfig is None else current().keyring.seal(kubeconfig, row.id)
        await row.save(using_db=door.connection, force_create=True)
        await door.audit(organization_id, "CLUSTER_REGISTERED", {"clusterId": row.id, "name": name, "uid": row.uid})
        told = {"title": row.title, "accessChanged": True}
        return {"cluster": row.id, "cursor": await door.tell_of(row, "CHANGED", told)}

    return await ask.change(work)


async def update(
    ask: Ask, id: str, title: str | None = None, kubeconfig: str | None = None, expected_version: int | None = None
) -> Changed:
    """Changes the title, or the way to the same cluster. Raises: Refused, also CLUSTER_REFUSED, CLUSTER_UNAVAILABLE."""
    row = await _row(ask, id)
    done = await ask.earlier()
    if done is not None:
        return done
    found = None
    if kubeconfig is not None:
        found = await _usable(_access(ClusterKind(row.kind), kubeconfig))
        _same(row, found.report)

    async def work(door: Door) -> Ids:
        row = await locked(door, Cluster, id, Scope.ADMIN, expected_version, removed_at=None)
        changed = {"title": names.title(title, "input.title", default=row.title), "version": row.version + 1}
        if found is not None and kubeconfig is not None:
            changed |= {"server": found.server, "kubeconfig": current().keyring.seal(kubeconfig, row.id)}
            changed |= _seen(found.report, row)
        await row.update_from_dict(changed).save(using_db=door.connection, update_fields=list(changed))
        told = {"title": row.title, "accessChanged": found is not None}
        await door.audit(row.organization_id, "CLUSTER_UPDATED", {"clusterId": row.id, **told})
        return {"cluster": row.id, "cursor": await door.tell_of(row, "CHANGED", told)}

    return await ask.change(work)


async def test(ask: Ask, id: str) -> Changed:
    """Looks at a cluster now and keeps what was found, also that it does not answer. Raises: Refused."""
    row = await _row(ask, id)
    done = await ask.earlier()
    if done is not None:
        return done
    seen = await _look(row)

    async def work(door: Door) -> Ids:
        row = await locked(door, Cluster, id, Scope.ADMIN, removed_at=None)
        before, reason = row.state, row.state_reason
        if before == seen["state"]:
            seen.pop("state_since", None)
        await row.update_from_dict(seen).save(using_db=door.connection, update_fields=list(seen))
        await door.audit(row.organization_id, "CLUSTER_TESTED", {"clusterId": row.id, "state": row.state})
        if (before, reason) != (row.state, row.state_reason):
            await door.tell_of(row, "STATE", {"state": row.state, "before": before, "reason": row.state_reason})
        passed = row.state == ClusterState.CONNECTED
        return {"cluster": row.id, "cursor": await door.tell_of(row, "TESTED", {"passed": passed})}

    return await ask.change(work)


async def remove(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Forgets a cluster, its credentials and what was given up on it. Raises: Refused, also IN_USE while instances live
    on it.
    """

    async def work(door: Door) -> Ids:
        row = await locked(door, Cluster, id, Scope.ADMIN, expected_version, removed_at=None)
        instances = Instance.filter(cluster_id=row.id, deleted_at=None).using_db(door.connection)
        in_use(await instances.count(), "cluster", "it cannot be removed", "input.id")
        row.removed_at, row.kubeconfig, row.version = now(), None, row.version + 1
        await row.save(using_db=door.connection, update_fields=["removed_at", "kubeconfig", "version"])
        await AbandonedNamespace.filter(cluster_id=row.id).using_db(door.connection).delete()
        await door.tell_of(row, "GONE", {})
        data = {"clusterId": row.id, "name": row.name}
        cursor = await door.audit(row.organization_id, "CLUSTER_REMOVED", data)
        return {"organization": row.organization_id, "deleted": row.id, "cursor": cursor}

    return await ask.change(work)


def _may(ask: Ask, organization_id: str, path: str) -> None:
    """Asked before Berth connects anywhere on the viewer's word; the door asks again. Raises: Refused."""
    try:
        ask.viewer.need(Scope.ADMIN, organization_id)
    except Refused as refused:
        refused.path = refused.path or path
        raise


async def _row(ask: Ask, id: str) -> Cluster:
    row = await Cluster.get_or_none(id=id, removed_at=None)
    if row is None:
        raise not_found("input.id")
    _may(ask, row.organization_id, "input.id")
    return row


def _access(kind: ClusterKind, kubeconfig: str | None) -> Access:
    """How the cluster is to be reached. Raises: Refused INVALID_INPUT, CLUSTER_REFUSED."""
    if kind is ClusterKind.IN_CLUSTER:
        if not settings().in_cluster:
            raise _refused("The operator does not allow Berth's own cluster to be used.", "Give a kubeconfig.", "kind")
        if kubeconfig is not None:
            raise Refused("INVALID_INPUT", "Berth's own cluster takes no kubeconfig.", "Leave it out.", _AT)
    elif kubeconfig is None:
        raise Refused("INVALID_INPUT", f"A cluster of kind {kind} takes a kubeconfig.", "Give one.", _AT)
    simulated = kind is ClusterKind.SIMULATOR
    try:
        if kubeconfig is None:
            return in_cluster()
        access = read_kubeconfig(kubeconfig, allow_private=simulated or settings().allow_private_clusters)
    except (KubeconfigInvalid, AddressRefused) as error:
        raise _from(error) from error
    if simulated and access.server != settings().simulator.rstrip("/"):
        message = "This is not the address of the simulator that belongs to this installation."
        raise _refused(message, "Register it as a cluster of kind KUBECONFIG.", "kubeconfig")
    return access


_AT = "input.kubeconfig"

_KEYS = "Give the API and the workers the keyring that sealed it, or update the cluster with its kubeconfig."


async def _usable(access: Access) -> Found:
    """What a cluster says that Berth can work with. Raises: Refused CLUSTER_UNAVAILABLE, CLUSTER_REFUSED."""
    try:
        async with connect(access) as client:
            report = await check(client)
    except KubeError as error:
        raise _from(error) from error
    for failed in report.checks:
        if failed.needed and not failed.passed:
            refused = _refused(failed.message, failed.remedy, "kubeconfig")
            refused.details = {"missing": list(failed.missing), "role_manifest": failed.role_manifest or None}
            raise refused
    return Found(access.server, report)


def _from(error: KubeError) -> Refused:
    place = error.details.get("path")
    where = f" It stands at {place}." if place else ""
    code = "CLUSTER_UNAVAILABLE" if error.retryable else "CLUSTER_REFUSED"
    return Refused(code, f"{error.message}{where}", error.remedy, _AT, retryable=error.retryable)


def _refused(message: str, remedy: str, field: str) -> Refused:
    return Refused("CLUSTER_REFUSED", message, remedy, f"input.{field}")


def _same(row: Cluster, report: Report) -> None:
    if report.uid != row.uid:
        raise _refused(
            "The kubeconfig leads to another cluster: its kube-system namespace has another UID.",
            "Register the other cluster under a name of its own.",
            "kubeconfig",
        )


async def _look(row: Cluster) -> dict[str, Any]:
    """The columns that say how the cluster is now."""
    try:
        async with connect(current().clusters.access(row)) as client:
            report = await check(client)
        if report.uid not in ("", row.uid):
            raise ClusterChanged
    except (KubeError, KeyringError) as error:
        found, remedy = state_of(error), error.remedy if isinstance(error, KubeError) else _KEYS
        unseen = Check("connection", False, found.reason, remedy)
        return {**_state(found.state, found.reason), "checks": [asdict(unseen)]}
    current().clusters.answered(row.id)
    return _seen(report)


def _seen(report: Report, row: Cluster | None = None) -> dict[str, Any]:
    failed = [item.message for item in report.checks if item.needed and not item.passed]
    state = ClusterState.DEGRADED if failed else ClusterState.CONNECTED
    columns = _state(state, " ".join(failed))
    if row is not None and row.state == state:
        del columns["state_since"]
    checks = [asdict(item) for item in report.checks]
    return {**columns, "kubernetes_version": report.version, "checks": checks}


def _state(state: ClusterState, reason: str) -> dict[str, Any]:
    return {"state": state.value, "state_reason": reason, "state_since": now(), "checked_at": now()}
