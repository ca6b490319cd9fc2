"""Namespaces: made and never taken over, deleted by UID, their end followed with what holds it up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kube.clients import MERGE, METADATA_ONLY, Cluster
from kube.errors import (
    AlreadyExists,
    CircuitOpen,
    Conflict,
    Invalid,
    KubeError,
    NamespaceForeign,
    NamespaceGone,
    NamespaceTerminating,
    NotFound,
)
from kube.labels import FIELD_MANAGER, INSTALLATION, INSTANCE
from kube.manifests import Level, security_labels
from kube.resources import NAMESPACE, POD, WRITTEN, Resource

_OWN = "berth"
_LOOK_AGAIN = 5  # seconds: objects lose finalizers without an event of the namespace
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Holding:
    """What keeps a namespace from going: an object, or, with an empty name, what only the namespace itself reports.

    since: when its deletion began, in RFC 3339. message: in the cluster's words.
    """

    kind: str
    name: str
    finalizers: tuple[str, ...] = ()
    since: str = ""
    message: str = ""


def is_reserved(name: str) -> bool:
    """Whether the name is Kubernetes' or Berth's own, and so never an instance's."""
    return name in ("default", _OWN) or name.startswith(("kube-", f"{_OWN}-"))


async def create(cluster: Cluster, body: dict[str, Any]) -> str:
    """Makes the namespace by POST and returns its UID; one that exists is accepted only if it is this instance's.

    Whose it is, its annotations say: this installation's id and this instance's id. Raises NamespaceForeign for any
    other, NamespaceTerminating for one that is on its way out, whoever's it was.
    """
    name = body["metadata"]["name"]
    if is_reserved(name):
        raise NamespaceForeign(f"The namespace {name} is reserved.", details={"namespace": name})
    try:
        made = await cluster.request("POST", NAMESPACE.path(), body=body, repeatable=True)
    except AlreadyExists:
        made = await cluster.request("GET", NAMESPACE.path(name=name))
        if made["metadata"].get("deletionTimestamp"):
            raise NamespaceTerminating(f"The namespace {name} is still being deleted.") from None
        found, wanted = made["metadata"].get("annotations") or {}, body["metadata"]["annotations"]
        if any(found.get(key) != wanted[key] for key in (INSTALLATION, INSTANCE)):
            raise NamespaceForeign(
                f"The cluster has a namespace {name} that is not this instance's.", details={"namespace": name}
            ) from None
    return str(made["metadata"]["uid"])


async def own(cluster: Cluster, name: str, uid: str) -> dict[str, Any]:
    """The namespace with this UID, which things may be put into.

    Raises NamespaceGone when there is none of the name, NamespaceForeign when it is another, NamespaceTerminating.
    """
    found = await _get(cluster, name)
    if found is None:
        raise NamespaceGone(f"The namespace {name} is gone from the cluster.")
    if found["metadata"]["uid"] != uid:
        raise _another(name)
    if found["metadata"].get("deletionTimestamp"):
        raise NamespaceTerminating(f"The namespace {name} is being deleted.")
    return found


async def enforce(cluster: Cluster, name: str, uid: str, level: Level) -> bool:
    """Makes the namespace with this UID enforce a level of pod security; says whether it enforced another before.

    The patch carries the UID, which no patch can change: one for a namespace that is another by then is refused. It
    touches nothing but the labels of pod security. Raises as `own`.
    """
    found = await own(cluster, name, uid)
    labels = security_labels(level)
    if labels.items() <= (found["metadata"].get("labels") or {}).items():
        return False
    body = {"metadata": {"uid": uid, "labels": labels}}
    query = {"fieldManager": FIELD_MANAGER}
    try:
        await cluster.request(
            "PATCH", NAMESPACE.path(name=name), query=query, body=body, content_type=MERGE, repeatable=True
        )
    except (NotFound, Conflict, Invalid) as error:  # it went, or became another, between the look and the patch
        raise _another(name) from error
    return True


def _another(name: str) -> NamespaceForeign:
    message = f"The namespace {name} is not the one that was made for this instance; it is left alone."
    return NamespaceForeign(message, details={"namespace": name})


async def uid(cluster: Cluster, name: str) -> str | None:
    """The UID of a namespace, None when there is none."""
    try:
        return str((await cluster.request("GET", NAMESPACE.path(name=name)))["metadata"]["uid"])
    except NotFound:
        return None


async def owned_uid(cluster: Cluster, name: str, installation: str, instance: str) -> str | None:
    """The UID of this instance's namespace; None when there is none of the name, or only a foreign one.

    For a deletion whose creation was cut off before the UID was written down.
    """
    try:
        found = await cluster.request("GET", NAMESPACE.path(name=name))
    except NotFound:
        return None
    annotations = found["metadata"].get("annotations") or {}
    owned = annotations.get(INSTALLATION) == installation and annotations.get(INSTANCE) == instance
    return str(found["metadata"]["uid"]) if owned else None


async def delete(cluster: Cluster, name: str, uid: str) -> None:
    """Asks for the end of the namespace with this UID; one that is gone already, or going, is success.

    Raises NamespaceForeign when the name now belongs to another namespace, which is left alone.
    """
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
    try:
        await cluster.request("DELETE", NAMESPACE.path(name=name), body=body, repeatable=True)
    except NotFound:
        return
    except Conflict as error:
        found = await _get(cluster, name)
        if found is None or found["metadata"].get("deletionTimestamp"):
            return
        if found["metadata"]["uid"] != uid:
            raise NamespaceForeign(
                f"The namespace {name} is another one now; it is left alone.", details={"namespace": name}
            ) from error
        raise


async def follow_deletion(cluster: Cluster, name: str, uid: str) -> AsyncIterator[tuple[Holding, ...]]:
    """Yields all that holds the namespace up, first at once and then at each change, and ends when it is gone.

    Gone also means that the name has another UID now. It has no deadline of its own, and goes on through errors that
    may pass; it raises the others, and CircuitOpen.
    """
    last: tuple[Holding, ...] | None = None
    while True:
        try:
            found = await _get(cluster, name)
            if found is None or found["metadata"]["uid"] != uid:
                return
            holdings = await _holdings(cluster, found)
            if holdings != last:
                last = holdings
                yield holdings
            await _next_event(cluster, found)
        except KubeError as error:
            if not error.retryable or isinstance(error, CircuitOpen):
                raise
            await asyncio.sleep(1)


async def _get(cluster: Cluster, name: str) -> dict[str, Any] | None:
    try:
        return await cluster.request("GET", NAMESPACE.path(name=name))
    except NotFound:
        return None


async def _holdings(cluster: Cluster, namespace: dict[str, Any]) -> tuple[Holding, ...]:
    """What is being deleted in it, looked up kind by kind: its conditions alone do not name pods that end slowly."""
    metadata = namespace["metadata"]
    since = metadata.get("deletionTimestamp", "")
    own = tuple(metadata.get("finalizers") or ())
    found = [Holding("Namespace", metadata["name"], own, since)] if own else []
    for resource in (POD, *WRITTEN):
        found += await _remaining(cluster, resource, metadata["name"])
    for condition in namespace.get("status", {}).get("conditions") or []:
        # A failed discovery or deletion is a cause of its own; "remaining" only says again what was found above.
        tells = condition["type"].endswith("Failure") or not found
        if condition.get("status") == "True" and tells:
            at, message = condition.get("lastTransitionTime", since), condition.get("message", "")
            found.append(Holding("Namespace", "", (), at, message))
    return tuple(found)


async def _remaining(cluster: Cluster, resource: Resource, namespace: str) -> list[Holding]:
    answer = await cluster.request("GET", resource.path(namespace), query={"limit": _LISTED}, accept=METADATA_ONLY)
    return [
        Holding(resource.kind, metadata["name"], tuple(metadata.get("finalizers") or ()), _since(metadata))
        for item in answer.get("items") or []
        if (metadata := item["metadata"]).get("deletionTimestamp")
    ]


def _since(metadata: dict[str, Any]) -> str:
    """When the deletion was asked for: Kubernetes writes down when the grace period of a pod will be over."""
    ends = datetime.fromisoformat(metadata["deletionTimestamp"])
    asked = ends - timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
    return asked.strftime("%Y-%m-%dT%H:%M:%SZ")


async def _next_event(cluster: Cluster, namespace: dict[str, Any]) -> None:
    """Returns at the namespace's next event, or after a few seconds without one."""
    query: dict[str, str | int | bool] = {
        "watch": True,
        "fieldSelector": f"metadata.name={namespace['metadata']['name']}",
        "resourceVersion": namespace["metadata"]["resourceVersion"],
        "timeoutSeconds": _LOOK_AGAIN,
    }
    async with cluster.stream(NAMESPACE.path(), query=query, silence=_LOOK_AGAIN * 3) as stream:
        await stream.content.readany()
