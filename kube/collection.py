"""One collection of a cluster as it can be asked for: page by page, and by a stream of events."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from sys import intern
from typing import Any

import aiohttp

from kube import answers, errors
from kube.clients import SILENCE, Cluster
from kube.resources import Resource

PAGE, LARGE_PAGE = 100, 1_000
FIRST_WORD = 60.0  # seconds within which a cluster that tells what exists has begun to
RESTARTS, MOST_RESTARTS = 3, 6
"""How often a list whose token expired is begun anew: with small pages, and in all."""
_NAMED = ("name", "uid")
LONGEST_EVENT = 16 * 1024 * 1024

Key = tuple[str, str]
"""The namespace and the name of an object."""
Event = tuple[str, dict[str, Any]]
"""The type of an event of a watch, and its object."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; the last one has the version to watch from. anew: the pages before this one do not count."""

    items: list[dict[str, Any]]
    version: str
    last: bool
    anew: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of a resource in a namespace, or in all, that the selectors choose."""

    cluster: Cluster
    resource: Resource
    namespace: str | None = None
    labels: str | None = None
    fields: str | None = None

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace)

    async def pages(self, exactly: str = "") -> AsyncGenerator[Page, None]:
        """All that exists now, or existed `exactly` at a version; one page is held at a time.

        A list whose continue token has expired is begun anew, with large pages when that goes on. Raises: KubeError,
        Gone when the version is not kept any more.
        """
        at = {"resourceVersion": exactly, "resourceVersionMatch": "Exact"} if exactly else {}
        restarts, token, anew = 0, "", True
        while True:
            query = self._query(limit=PAGE if restarts < RESTARTS else LARGE_PAGE)
            try:
                answer = await self.cluster.request(
                    "GET", self.path, query=query | ({"continue": token} if token else at)
                )
            except errors.Gone as gone:
                if not token:
                    raise
                restarts, token, anew = restarts + 1, "", True
                if restarts > MOST_RESTARTS:
                    message = f"GET {self.path}: the list expired again and again while it was read."
                    raise errors.ServerFault(message) from gone
                continue
            metadata = answer.get("metadata") or {}
            # Events name their kind, items of a list do not.
            items = [_sound(item, *_NAMED) | {"kind": self.resource.kind} for item in answer.get("items") or []]
            token = metadata.get("continue") or ""
            yield Page(items, str(metadata.get("resourceVersion") or ""), not token, anew)
            if not token:
                return
            anew = False

    @asynccontextmanager
    async def watching(self, version: str) -> AsyncIterator[AsyncIterator[Event]]:
        """A stream of events, open: from a version, or with an empty one first an ADDED for all that exists.

        The end of what exists is then a bookmark, see `ends_initial`. In both forms of it, Gone says that the version
        is too old. Raises: KubeError; Unreachable with the reason Timeout when the stream has fallen silent.
        """
        query = self._query(watch=True, allowWatchBookmarks=True, timeoutSeconds=random.randint(300, 600))
        if version:
            query |= {"resourceVersion": version}
        else:
            query |= {"sendInitialEvents": True, "resourceVersionMatch": "NotOlderThan"}
        silence = SILENCE if version else FIRST_WORD
        async with self.cluster.stream(self.path, query=query, silence=silence) as response:
            yield _events(response)

    def _query(self, **more: str | int | bool) -> dict[str, str | int | bool]:
        selectors = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in selectors.items() if value} | more


def ends_initial(found: dict[str, Any]) -> bool:
    """Whether a bookmark says that everything that existed has been sent."""
    return (found["metadata"].get("annotations") or {}).get("k8s.io/initial-events-end") == "true"


def key_of(found: dict[str, Any]) -> Key:
    return intern(str(found["metadata"].get("namespace", ""))), str(found["metadata"]["name"])


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Event, None]:
    """The events of a body, whose lines may be cut anywhere."""
    parts: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = b"".join([*parts, lines[0]])
            parts, size = [], 0
            for event in _parsed(lines):
                yield event
        parts.append(rest)
        size += len(rest)
        if size > LONGEST_EVENT:
            raise errors.NotKubernetes("The cluster sent an event larger than any that Kubernetes sends.")


def _parsed(lines: Iterable[bytes]) -> Iterable[Event]:
    for line in lines:
        event = answers.parse(line)
        event_type, found = str(event.get("type")), event.get("object")
        if event_type == "ERROR" and isinstance(found, dict):
            raise answers.from_status(found, about="the watch")
        yield event_type, _sound(found, *(() if event_type == "BOOKMARK" else _NAMED))


def _sound(found: Any, *names: str) -> dict[str, Any]:
    """The object without what is half of it and of no use here. Raises: NotKubernetes for what is none."""
    metadata = found.get("metadata") if isinstance(found, dict) else None
    if not isinstance(metadata, dict) or not all(metadata.get(name) for name in (*names, "resourceVersion")):
        raise errors.NotKubernetes("The cluster sent something that is no object.")
    metadata.pop("managedFields", None)
    return dict(found)
