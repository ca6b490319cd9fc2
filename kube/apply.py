"""Objects into a namespace by server-side apply, and out of it by inventory."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from kube.clients import APPLY, Cluster
from kube.errors import Conflict, KubeError, NotFound
from kube.labels import FIELD_MANAGER
from kube.resources import CLAIM, of_kind, resource_of

T = TypeVar("T")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One applied object, as the inventory keeps it."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a server says of an object that it would take. managers: who else has set fields of it, so that it is there
    already; None where the server cannot judge it, because an admission webhook takes no dry runs.
    """

    kind: str
    name: str
    managers: tuple[str, ...] | None


async def apply(
    cluster: Cluster, objects: Iterable[dict[str, Any]], *, force: bool = False, dry_run: bool = False
) -> list[Item]:
    """Applies the objects in dependency order (those of one kind beside each other) and returns their inventory.

    Raises the error of the first object that was refused, its kind and name in the message and in
    `details["object"]`; a Conflict names the fields and their owners, and `force` takes them over. What was applied
    before stays: applying is repeatable.
    """
    ordered = sorted(objects, key=lambda manifest: resource_of(manifest).order)
    inventory: list[Item] = []
    for _, group in groupby(ordered, key=lambda manifest: resource_of(manifest).order):
        inventory += await _together(_apply(cluster, manifest, force, dry_run) for manifest in group)
    return inventory


async def rehearse(cluster: Cluster, objects: Iterable[dict[str, Any]], *, force: bool = False) -> list[Judged]:
    """Asks the server whether it would take all of the objects, and changes nothing; raises as `apply`."""
    return await _together(_rehearse(cluster, manifest, force) for manifest in objects)


async def _rehearse(cluster: Cluster, manifest: dict[str, Any], force: bool) -> Judged:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        answer = await send(cluster, manifest, force, dry_run=True)
    except KubeError as error:
        if "does not support dry run" not in error.message:
            raise
        return Judged(kind, name, None)
    fields = answer["metadata"].get("managedFields") or []
    others = {entry.get("manager", "") for entry in fields if not entry.get("subresource")} - {FIELD_MANAGER}
    return Judged(kind, name, tuple(sorted(others)))


async def prune(
    cluster: Cluster, namespace: str, old: Iterable[Item], new: Iterable[Item], *, claims: bool = False
) -> list[Item]:
    """Deletes what the old inventory has and the new one lacks; returns what it deleted.

    Claims stay, with their data, unless `claims` is true. Each deletion sends the UID that Berth made, so that an
    object which somebody made anew under the same name is left alone.
    """
    kept = {(item.kind, item.name) for item in new}
    gone = [item for item in old if (item.kind, item.name) not in kept and (claims or item.kind != CLAIM.kind)]
    gone.sort(key=lambda item: (-of_kind(item.kind).order, item))
    deleted = []
    for _, group in groupby(gone, key=lambda item: of_kind(item.kind).order):
        deleted += await _together(_delete(cluster, namespace, item) for item in group)
    return [item for item in deleted if item is not None]


async def _apply(cluster: Cluster, manifest: dict[str, Any], force: bool, dry_run: bool) -> Item:
    answer = await send(cluster, manifest, force, dry_run)
    return Item(manifest["kind"], manifest["metadata"]["name"], answer["metadata"]["uid"])


async def send(cluster: Cluster, manifest: dict[str, Any], force: bool, dry_run: bool) -> dict[str, Any]:
    """Applies one object as Berth, or asks what would come of it; the object as it is then. Raises: KubeError."""
    resource, metadata = resource_of(manifest), manifest["metadata"]
    query: dict[str, str | bool] = {"fieldManager": FIELD_MANAGER, "force": force, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    try:
        return await cluster.request(
            "PATCH",
            resource.path(metadata["namespace"], metadata["name"]),
            query=query,
            body=manifest,
            content_type=APPLY,
            repeatable=True,
        )
    except KubeError as error:
        _name(error, manifest["kind"], metadata["name"])
        raise


async def _delete(cluster: Cluster, namespace: str, item: Item) -> Item | None:
    body = {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "preconditions": {"uid": item.uid},
        "propagationPolicy": "Background",
    }
    try:
        await cluster.request("DELETE", of_kind(item.kind).path(namespace, item.name), body=body, repeatable=True)
    except (NotFound, Conflict):
        return None
    except KubeError as error:
        _name(error, item.kind, item.name)
        raise
    return item


def _name(error: KubeError, kind: str, name: str) -> None:
    error.details["object"] = f"{kind}/{name}"
    if name not in error.message:
        error.message = f"{kind} {name}: {error.message}"


async def _together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs the calls a few at a time; the first error cancels the rest and is raised itself."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Coroutine[Any, Any, T]) -> T:
        async with room:
            return await call

    tasks = [asyncio.ensure_future(one(call)) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
