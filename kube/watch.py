"""Following a collection: for ever, over list-then-watch, over one stream; plain dictionaries come out.

Three nested generators, each with one worry: `follow` survives errors and finds out what was missed, `_rounds` lists
and resumes, `_stream` reads one connection until it ends or falls silent.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from kube import answers, errors
from kube.clients import SILENCE, Cluster
from kube.resources import Resource

ChangeType = Literal["ADDED", "MODIFIED", "DELETED", "SYNCED", "TROUBLE"]
PAGE = 100
BACKOFF_FIRST, BACKOFF_MOST = 0.8, 30.0
HEALTHY = 120.0  # seconds of a good stream after which the backoff starts anew
DENIED = 60.0  # seconds between tries where the answer was 401, 403 or 404: only a person can change that
SHORT, SHORT_PAUSE = 5.0, 1.0  # a stream that lived for less is not reopened at once
LONGEST_EVENT = 16 * 1024 * 1024

_Key = tuple[str, str]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a followed collection.

    ADDED, MODIFIED, DELETED carry `object`; of one that vanished unseen only kind and metadata (name, namespace, uid).
    SYNCED says that all that exists has been told, at first and again after TROUBLE, which carries `error`.
    """

    type: ChangeType
    object: dict[str, Any]
    error: errors.KubeError | None = None


async def follow(
    cluster: Cluster,
    resource: Resource,
    *,
    namespace: str | None = None,
    labels: str | None = None,
    fields: str | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncGenerator[Change, None]:
    """All objects of a collection, then every change, until the caller closes it; it raises nothing of the cluster's.

    Errors are told as TROUBLE and tried again with growing pauses; nothing that happened meanwhile is missed, for what
    a new list lacks is told as DELETED. Close it with `aclosing`.
    """
    target = _Target(cluster, resource, namespace, labels, fields)
    known = _Known()
    backoff = BACKOFF_FIRST
    while True:
        started = time.monotonic()
        try:
            async with aclosing(_rounds(target, known, sleep)) as changes:
                async for change in changes:
                    yield change
        except errors.KubeError as error:
            yield Change("TROUBLE", {}, error)
            if time.monotonic() - started > HEALTHY:
                backoff = BACKOFF_FIRST
            pause = backoff * random.uniform(1, 2)
            backoff = min(BACKOFF_MOST, backoff * 2)
            if isinstance(error, errors.Throttled):
                pause = max(pause, error.retry_after)
            elif isinstance(error, (errors.Unauthorized, errors.Forbidden, errors.NotFound)):
                pause = DENIED
            await sleep(pause)


@dataclass(frozen=True, slots=True)
class _Target:
    cluster: Cluster
    resource: Resource
    namespace: str | None
    labels: str | None
    fields: str | None

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace)

    def query(self, **more: str | int | bool) -> dict[str, str | int | bool]:
        selectors = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in selectors.items() if value} | more


@dataclass(slots=True)
class _Known:
    """What has been told: UID and version of each object by namespace and name, and the version to go on from."""

    objects: dict[_Key, tuple[str, str]] = field(default_factory=dict)
    version: str = ""

    def note(self, event_type: str, found: dict[str, Any]) -> Change:
        metadata, key = found["metadata"], _key(found)
        if event_type == "DELETED":
            self.objects.pop(key, None)
            return Change("DELETED", found)
        seen = self.objects.get(key)
        self.objects[key] = metadata["uid"], metadata["resourceVersion"]
        return Change("MODIFIED" if seen and seen[0] == metadata["uid"] else "ADDED", found)

    def vanished(self, resource: Resource, key: _Key) -> Change:
        uid, _ = self.objects.pop(key)
        metadata = {"namespace": key[0], "name": key[1], "uid": uid}
        return Change("DELETED", {"kind": resource.kind, "metadata": metadata})


async def _rounds(target: _Target, known: _Known, sleep: Sleep) -> AsyncGenerator[Change, None]:
    """Lists, tells the difference to what is known, then watches and resumes; a version that is too old lists again."""
    while True:
        listed = time.monotonic()
        async with aclosing(_list(target, known)) as changes:
            async for change in changes:
                yield change
        yield Change("SYNCED", {})
        try:
            while True:
                started = time.monotonic()
                async with aclosing(_stream(target, known.version)) as events:
                    async for event_type, found in events:
                        known.version = found["metadata"]["resourceVersion"]
                        if event_type != "BOOKMARK":
                            yield known.note(event_type, found)
                if time.monotonic() - started < SHORT:
                    await sleep(SHORT_PAUSE)
        except errors.Gone:
            if time.monotonic() - listed < SHORT:
                await sleep(SHORT_PAUSE)


async def _list(target: _Target, known: _Known) -> AsyncGenerator[Change, None]:
    """Tells what a list has beyond what is known, page by page, and then what it lacks.

    Only one page is held at a time. A continue token that has expired starts the list anew, with larger pages.
    """
    limit = PAGE
    present: set[_Key] = set()
    token = ""
    for _ in range(4):
        try:
            while True:
                query = target.query(limit=limit) | ({"continue": token} if token else {})
                answer = await target.cluster.request("GET", target.path, query=query)
                for item in answer.get("items") or []:
                    item["kind"] = target.resource.kind  # events name their kind, items of a list do not
                    item["metadata"].pop("managedFields", None)
                    key, metadata = _key(item), item["metadata"]
                    present.add(key)
                    uid, version = known.objects.get(key, ("", ""))
                    if uid and uid != metadata["uid"]:
                        yield known.vanished(target.resource, key)
                    if version != metadata["resourceVersion"]:
                        yield known.note("ADDED", item)
                token = answer["metadata"].get("continue") or ""
                if not token:
                    known.version = answer["metadata"]["resourceVersion"]
                    for key in sorted(known.objects.keys() - present):
                        yield known.vanished(target.resource, key)
                    return
        except errors.Gone:
            limit, token = limit * 4, ""
            present.clear()
    raise errors.ServerFault(f"GET {target.path}: the list expired again and again while it was read.")


async def _stream(target: _Target, version: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    """The events of one connection from `version`; ends with it. Raises Gone in both of its forms.

    A stream that breaks ends too, for it is resumed; one that cannot be opened raises. One that falls silent is Gone:
    bookmarks come every minute, unless the version is of a cluster that was since restored from a backup.
    """
    query = target.query(
        watch=True, resourceVersion=version, allowWatchBookmarks=True, timeoutSeconds=random.randint(300, 600)
    )
    buffer = bytearray()
    opened = False
    try:
        async with target.cluster.stream(target.path, query=query, silence=SILENCE) as response:
            opened = True
            while part := await response.content.readany():
                buffer += part
                if b"\n" in part:
                    *lines, rest = bytes(buffer).split(b"\n")
                    buffer = bytearray(rest)
                    for line in lines:
                        yield _event(line)
                elif len(buffer) > LONGEST_EVENT:
                    raise errors.NotKubernetes("The cluster sent an event larger than any that Kubernetes sends.")
    except errors.Unreachable as error:
        if not opened:
            raise
        if error.reason == "Timeout":
            raise errors.Gone(error.message) from error


def _event(line: bytes) -> tuple[str, dict[str, Any]]:
    event = answers.parse(line)
    found = event.get("object")
    if not isinstance(found, dict):
        raise errors.NotKubernetes("The cluster sent an event without an object.")
    if event.get("type") == "ERROR":
        raise answers.from_status(found, about="the watch")
    found["metadata"].pop("managedFields", None)  # half of the object, and of no use here
    return str(event.get("type")), found


def _key(found: dict[str, Any]) -> _Key:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
