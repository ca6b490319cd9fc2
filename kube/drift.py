"""What a cluster has made of what was applied: what others changed since, what is missing, and what is not ours."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from kube.apply import send
from kube.clients import METADATA_ONLY, Cluster
from kube.errors import Forbidden, NotFound
from kube.labels import FIELD_MANAGER, INSTANCE
from kube.manifests import MASK
from kube.resources import POD, WRITTEN, resource_of
from kube.workloads import Manifest

_AT_ONCE = 8
_LONGEST_VALUE = 500
_OF_THE_SERVER = {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"}
_MADE_BY_KUBERNETES = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it was applied: `spec.replicas`, and both values as JSON (null: there is none)."""

    path: str
    applied: str
    found: str


@dataclass(frozen=True, slots=True)
class Drifted:
    """An object that is missing, or has differences. managers: who else has set fields of it."""

    kind: str
    name: str
    missing: bool
    managers: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Stranger:
    """An object in the namespace that somebody else made."""

    kind: str
    name: str
    managers: tuple[str, ...]
    created_at: datetime


async def drifted(cluster: Cluster, manifests: Iterable[dict[str, Any]]) -> list[Drifted]:
    """The objects that the server would change if they were applied again, in their order. Raises: KubeError.

    Each is applied as a dry run that takes over every field, and the answer held against the object as it is: so
    defaults of the server and fields that Berth never set count for nothing.
    """
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(manifest: dict[str, Any]) -> Drifted | None:
        async with room:
            return await _drifted(cluster, manifest)

    found = await asyncio.gather(*(one(manifest) for manifest in manifests))
    return [each for each in found if each is not None]


async def _drifted(cluster: Cluster, manifest: dict[str, Any]) -> Drifted | None:
    kind, metadata = manifest["kind"], manifest["metadata"]
    try:
        live = await cluster.request("GET", resource_of(manifest).path(metadata["namespace"], metadata["name"]))
    except NotFound:
        return Drifted(kind, metadata["name"], missing=True)
    would = await send(cluster, manifest, force=True, dry_run=True)
    differences = tuple(_shown(kind, *found) for found in _compared(would, live))
    return Drifted(kind, metadata["name"], False, managers(live), differences) if differences else None


async def strangers(
    cluster: Cluster, namespace: str, instance_id: str, ours: Collection[tuple[str, str]]
) -> list[Stranger]:
    """What is in the namespace and neither Berth's nor made by Kubernetes for something else. Raises: KubeError.

    ours: kinds and names of what was applied. Kinds that Berth never writes are not looked at.
    """
    found = []
    for resource in (*WRITTEN, POD):
        try:
            answer = await cluster.request("GET", resource.path(namespace), accept=METADATA_ONLY)
        except Forbidden:
            continue
        for metadata in [item["metadata"] for item in answer.get("items") or []]:
            at = resource.kind, metadata["name"]
            known = at in ours or at in _MADE_BY_KUBERNETES or metadata.get("ownerReferences")
            if not known and (metadata.get("labels") or {}).get(INSTANCE) != instance_id:
                made = datetime.fromisoformat(metadata["creationTimestamp"])
                found.append(Stranger(*at, managers({"metadata": metadata}), made))
    return found


def managers(live: Manifest) -> tuple[str, ...]:
    """Who beside Berth has set fields of the object, its status aside."""
    entries = live["metadata"].get("managedFields") or []
    others = {entry.get("manager", "") for entry in entries if not entry.get("subresource")} - {FIELD_MANAGER}
    return tuple(sorted(others))


def _compared(would: Any, live: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The places at which two objects differ: path, what would be there, what is."""
    if isinstance(would, dict) and isinstance(live, dict):
        for name in dict.fromkeys((*would, *live)):
            if path in ("", "metadata") and (name in _OF_THE_SERVER or (path == "" and name == "status")):
                continue
            yield from _compared(would.get(name), live.get(name), f"{path}.{name}" if path else name)
    elif isinstance(would, list) and isinstance(live, list) and _named(would) and _named(live):
        wanted, there = ({item["name"]: item for item in items} for items in (would, live))
        for name in dict.fromkeys((*wanted, *there)):
            yield from _compared(wanted.get(name), there.get(name), f"{path}[{name}]")
    elif would != live:
        yield path, would, live


def _named(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and "name" in item for item in items)


def _shown(kind: str, path: str, wanted: Any, there: Any) -> Difference:
    masked = kind == "Secret" and path.startswith(("data", "stringData"))
    return Difference(path, _text(wanted, masked), _text(there, masked))


def _text(value: Any, masked: bool) -> str:
    if masked and value is not None:
        return orjson.dumps(MASK).decode()
    return orjson.dumps(value).decode()[:_LONGEST_VALUE]
