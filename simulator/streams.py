"""Lists, pages and watches."""

import base64
import binascii
from typing import Any

import orjson
from aiohttp import web

from simulator import errors
from simulator.clock import SECOND
from simulator.kinds import Kind, Object
from simulator.requests import TRUE, Request
from simulator.selectors import everything
from simulator.state import State
from simulator.store import Stored, item

BEFORE_END = 2 * SECOND
"""How long before the end of its time a watch sends a last bookmark, as a real API server does."""


def partial(raw: bytes) -> bytes:
    """An object cut down to its metadata."""
    shown = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return orjson.dumps(shown | {"metadata": orjson.loads(raw)["metadata"]})


def listed(state: State, request: Request) -> web.Response:
    """GET of a collection, in pages where a limit says so. Raises 400 and 410 for a continue token."""
    kind, query, store = _kind(request), request.http.query, state.store
    rows = store.select(kind, request.where)
    meta: Object = {"resourceVersion": str(store.version)}
    asked = query.get("resourceVersion", "")
    if asked and not asked.isdigit():
        raise errors.bad_request(f"invalid resource version: {_unreadable(asked)}")
    if int(asked or 0) > store.version:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        why = f"Timeout: Too large resource version: {asked}, current: {store.version}"
        raise errors.StatusError(504, "Timeout", why, {"causes": [cause], "retryAfterSeconds": 1})
    if query.get("resourceVersionMatch") == "Exact":
        version = int(asked or 0)
        if version < store.floor(kind):
            raise errors.expired("The resourceVersion for the provided list is too old.")
        rows = store.at(kind, request.where, version)
        meta["resourceVersion"] = str(version)
    if token := query.get("continue"):
        version, after = _continue(token)
        if version < store.floor(kind):
            raise errors.expired("The provided continue parameter is too old to display a consistent list result. "
                                 "You can start a new list without the continue parameter, or use the continue token "
                                 "in this response to retrieve the remainder of the results.")  # fmt: skip
        rows = [row for row in store.at(kind, request.where, version) if _place(row) > after]
        meta["resourceVersion"] = str(version)
    rows = [row for row in rows if request.match(row.obj)]
    limit = int(query.get("limit") or 0)
    if limit and len(rows) > limit:
        if request.match is everything:
            meta["remainingItemCount"] = len(rows) - limit
        rows = rows[:limit]
        text = orjson.dumps([int(meta["resourceVersion"]), *_place(rows[-1])])
        meta["continue"] = base64.urlsafe_b64encode(text).decode().rstrip("=")
    name, version_of = (f"{kind.name}List", kind.api_version)
    if request.partial:
        name, version_of = "PartialObjectMetadataList", "meta.k8s.io/v1"
    items = [partial(row.raw) if request.partial else item(kind, row) for row in rows]
    head = orjson.dumps({"kind": name, "apiVersion": version_of, "metadata": meta})
    body = head[:-1] + b',"items":[' + b",".join(items) + b"]}"
    return web.Response(body=body, content_type="application/json")


def _unreadable(version: str) -> str:
    return f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'


def _place(row: Stored) -> tuple[str, str]:
    return row.obj["metadata"].get("namespace", ""), row.obj["metadata"]["name"]


def _continue(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise errors.bad_request("invalid continue token: continue key is not valid") from None
    return version, (namespace, name)


def _kind(request: Request) -> Kind:
    if request.kind is None:
        raise errors.unknown_path()
    return request.kind


def _line(kind: str, raw: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + raw + b"}\n"


async def watch(state: State, request: Request) -> web.StreamResponse:
    """GET with watch: what there is (where asked for), then what happens, until the time is up or the stream is cut."""
    kind, query, store, clock = _kind(request), request.http.query, state.store, state.clock
    asked = query.get("resourceVersion", "")
    initial = _initial(query.get("sendInitialEvents"), query.get("resourceVersionMatch", ""), asked)
    if asked and not asked.isdigit():
        raise errors.StatusError(500, "", _unreadable(asked))
    version = int(asked or 0)
    queue = store.watch(kind, request.where, request.match)
    try:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        lines: list[bytes] = []
        bookmarks = query.get("allowWatchBookmarks") in TRUE
        stale = not initial and version < store.floor(kind)
        if stale:
            lines.append(_line("ERROR", _too_old(version, store.floor(kind))))
        elif initial:
            version = store.version
            rows = [row for row in store.select(kind, request.where) if request.match(row.obj)]
            lines = [_line("ADDED", _shown(request, row.raw)) for row in rows]
            if bookmarks:
                lines.append(_bookmark(request, version, initial=True))
        else:
            for event in store.since(kind, request.where, version):
                queue.offer(event)
        await response.prepare(request.http)
        await response.write(b"".join(lines))
        if not stale:
            seconds = float(query.get("timeoutSeconds") or 1800)
            end = clock.now() + round(seconds * SECOND)
            await _Tail(state, request, response, bookmarks, version, end).run(queue)
        return response
    finally:
        store.unwatch(kind, request.where, queue)


def _initial(asked: str | None, match: str, version: str) -> bool:
    """Whether the objects that exist come first. Raises the 422 of a combination that is not allowed."""
    if asked is None:
        return version in {"", "0"}
    if match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = {"reason": "FieldValueForbidden", "message": why, "field": "resourceVersionMatch"}
        message = f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: {why}'
        raise errors.StatusError(422, "Invalid", message, {"group": "meta.k8s.io", "kind": "ListOptions",
                                                           "causes": [cause]})  # fmt: skip
    return asked in TRUE


def _shown(request: Request, raw: bytes) -> bytes:
    return partial(raw) if request.partial else raw


def _too_old(version: int, oldest: int) -> bytes:
    return orjson.dumps(errors.expired(f"too old resource version: {version} ({oldest})").status)


def _bookmark(request: Request, version: int, *, initial: bool = False) -> bytes:
    kind = _kind(request)
    name, version_of = kind.name, kind.api_version
    if request.partial:
        name, version_of = "PartialObjectMetadata", "meta.k8s.io/v1"
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if initial:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    return _line("BOOKMARK", orjson.dumps({"kind": name, "apiVersion": version_of, "metadata": meta}))


class _Tail:
    """The part of a watch that follows."""

    def __init__(
        self, state: State, request: Request, response: web.StreamResponse, bookmarks: bool, version: int, end: int
    ) -> None:
        self.state, self.request, self.response = state, request, response
        self.bookmarks, self.version, self.end = bookmarks, version, end

    async def run(self, queue: Any) -> None:
        state, clock = self.state, self.state.clock
        kind = _kind(self.request)
        due = self._next_bookmark()
        with state.stream("watch", self.request.http.path, queue.ready) as stream:
            while not state.closing and clock.now() < self.end:
                if end := queue.end or stream.end:
                    await self._finish(end, kind)
                    return
                lines = [] if self._silent() else self._events(queue)
                if clock.now() >= due:
                    due = self._next_bookmark()
                    if self.bookmarks and self.version <= state.store.version and not self._silent():
                        lines.append(_bookmark(self.request, state.store.version))
                if lines:
                    await self.response.write(b"".join(lines))
                    continue
                queue.ready.clear()
                timer = clock.later((min(due, self.end) - clock.now()) / SECOND, queue.ready.set)
                try:
                    await queue.ready.wait()
                finally:
                    timer.cancel()

    def _next_bookmark(self) -> int:
        """When the next one is due: every minute, and a little before the end."""
        now, late = self.state.clock.now(), self.end - BEFORE_END
        regular = now + round(self.state.speeds.bookmark * SECOND)
        return min(regular, late) if now < late else regular

    def _silent(self) -> bool:
        return self.state.faults.active("silence", "watch", self.request.http.path)

    def _events(self, queue: Any) -> list[bytes]:
        lines = []
        while queue.events:
            kind, stored, version = queue.events.popleft()
            if version > self.version:
                lines.append(_line(kind, _shown(self.request, stored.raw)))
        return lines

    async def _finish(self, how: str, kind: Kind) -> None:
        if how == "expired":
            await self.response.write(_line("ERROR", _too_old(self.version, self.state.store.floor(kind))))
        if how == "abort" and self.request.http.transport is not None:
            self.request.http.transport.abort()
