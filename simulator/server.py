"""The HTTP side: who may enter, which path means which verb, and how answers are written."""

import logging
from dataclasses import replace
from typing import Any

import orjson
import yaml
from aiohttp import web

from simulator import access, accounts, control, errors, faults, kinds, reviews, streams
from simulator.cluster import Cluster
from simulator.errors import StatusError
from simulator.execute import execute
from simulator.faults import Faults
from simulator.kinds import Kind, Object
from simulator.logs import Logs
from simulator.patch import json_patch, merge, strategic
from simulator.requests import Request, parse
from simulator.scale import change_scale, scale
from simulator.state import State

logger = logging.getLogger("simulator")
JSON = "application/json"
_RETURNED = {"Pod", "PersistentVolumeClaim", "ServiceAccount", "ResourceQuota", "Service", "StorageClass"}
"""The kinds whose deletion answers with the object; that of others answers with a Status."""


class Server:
    """Answers every request of one cluster."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.cluster: Cluster = state.cluster
        self.faults: Faults = state.faults
        self.logs = Logs(state)

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """One request from its first byte to its last; every refusal is a Status."""
        try:
            user = accounts.known(self.state, http.headers.get("Authorization"))
            if http.path.startswith("/simulator/"):
                if user is not accounts.ADMIN:
                    raise errors.unauthorized()
                return await control.answer(self.state, http)
            request = parse(http, user)
            return await self._faulty(request)
        except StatusError as refused:
            headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after is not None else None
            return _json(refused.status, refused.code, headers)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            logger.exception("%s %s", http.method, http.path)
            return _json(StatusError(500, "InternalError", "Internal error occurred").status, 500)

    async def _faulty(self, request: Request) -> web.StreamResponse:
        verb, path = request.verb, request.http.path
        if fault := self.faults.find("slow", verb, path):
            await self.state.clock.sleep(fault.seconds)
        if self.faults.find("refuse", verb, path):
            _abort(request.http)
            raise errors.StatusError(500, "", "connection dropped")
        if fault := self.faults.find("status", verb, path):
            raise faults.refusal(fault, verb)
        self._allow(request)
        answer = await self._answer(request)
        if isinstance(answer, web.Response) and self.faults.find("cut", verb, path):
            return await _cut(request.http, answer)
        return answer

    def _allow(self, request: Request) -> None:
        """Raises the 403 of what a `deny` fault or the lack of a role forbids; documents are for everybody."""
        path, user, kind = request.http.path, request.user, request.kind
        denied = self.faults.find("deny", request.verb, path) is not None
        if kind is None:
            if denied:
                raise StatusError(403, "Forbidden", f'forbidden: User "{user.name}" cannot get path "{path}"')
            return
        deed = request.deed(kind)
        if denied or (kind.stored and access.may(self.cluster.store, user, deed) is None):
            raise access.refusal(user, deed, kind)

    async def _answer(self, request: Request) -> web.StreamResponse:
        kind = request.kind
        if kind is None:
            return _json(self._document(request.parts))
        if not kind.stored:
            if request.verb != "create":
                raise errors.not_allowed()
            return _json(reviews.review(kind, await _body(request.http), self.state, request.user), 201)
        match request.subresource:
            case "":
                return await self._resource(request, kind)
            case "status" if kind.status:
                return await self._resource(request, kind, "status")
            case "scale" if kind.scale:
                return await self._scale(request, kind)
            case "finalize" if kind is kinds.NAMESPACES:
                return await self._finalize(request)
            case "log" if kind is kinds.PODS:
                return await self.logs.answer(request)
            case "token" if kind is kinds.ACCOUNTS:
                if request.verb != "create":
                    raise errors.not_allowed()
                body = await _body(request.http)
                return _json(accounts.token_request(self.state, request.namespace, request.name, body), 201)
            case "exec" if kind is kinds.PODS:
                return await execute(self.state, request)
        raise errors.unknown_path()

    def _document(self, parts: list[str]) -> Object | str:
        match parts:
            case ["version"]:
                return self.state.version()
            case ["healthz" | "readyz" | "livez", *_]:
                return "ok"
            case ["api"]:
                return kinds.versions()
            case ["apis"]:
                return kinds.groups()
            case ["api", version]:
                found = kinds.resources(version)
            case ["apis", name]:
                found = next((kinds.group(*pair) for pair in kinds.GROUPS if pair[0] == name), None)
            case ["apis", name, version]:
                found = kinds.resources(f"{name}/{version}")
            case _:
                found = None
        if found is None:
            raise web.HTTPNotFound(text="404 page not found\n")
        return found

    async def _resource(self, request: Request, kind: Kind, part: str = "") -> web.StreamResponse:
        cluster, namespace, name = self.cluster, request.namespace, request.name
        if (request.verb == "create") is bool(name) and request.verb in {"create", "update", "patch"}:
            raise errors.not_allowed()
        match request.verb:
            case "watch":
                return await streams.watch(self.state, request)
            case "list":
                return streams.listed(self.state, request)
            case "get":
                return _object(request, cluster.find(kind, namespace, name).raw)
            case "create":
                made = await _body(request.http)
                self.state.hold(kind, made)
                return _object(request, cluster.create(kind, namespace, made, request.writer).raw, 201)
            case "update":
                new = await _body(request.http)
                return _object(request, cluster.replace(kind, namespace, name, new, request.writer, part).raw)
            case "patch":
                return await self._patch(request, kind, part)
            case "delete":
                options = await _options(request)
                found, gone = cluster.delete(kind, namespace, name, options, dry_run=request.writer.dry_run)
                if gone and kind.name not in _RETURNED:
                    return _json(_deleted(kind, name, found.obj["metadata"]["uid"]))
                return _object(request, found.raw)
            case "deletecollection":
                return await self._delete_all(request, kind)
        raise errors.not_allowed()

    async def _delete_all(self, request: Request, kind: Kind) -> web.Response:
        options = await _options(request)
        chosen = [one.obj for one in self.cluster.store.select(kind, request.where) if request.match(one.obj)]
        for obj in chosen:
            meta = obj["metadata"]
            self.cluster.delete(kind, meta.get("namespace", ""), meta["name"], options, dry_run=request.writer.dry_run)
        version = {"resourceVersion": str(self.cluster.store.version)}
        items = [{name: value for name, value in obj.items() if name not in {"kind", "apiVersion"}} for obj in chosen]
        shown = {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": version, "items": items}
        return _json(shown)

    async def _patch(self, request: Request, kind: Kind, part: str) -> web.Response:
        cluster, namespace, name, writer = self.cluster, request.namespace, request.name, request.writer
        body, how = await _body(request.http), request.http.content_type
        if how == "application/apply-patch+yaml":
            if "fieldManager" not in request.http.query:
                detail: Object = {"causes": [{"reason": "FieldValueRequired", "field": "fieldManager",
                                      "message": "Required value: is required for apply patch"}]}  # fmt: skip
                detail |= {"group": "meta.k8s.io", "kind": "PatchOptions"}
                raise StatusError(422, "Invalid", 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required '
                                  "value: is required for apply patch", detail)  # fmt: skip
            if not isinstance(body, dict):
                raise errors.bad_request(
                    "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value"
                )
            absent = cluster.store.get(kind, namespace, name) is None
            if absent:
                self._allow(replace(request, verb="create"))
                self.state.hold(kind, body)
            force = request.http.query.get("force") in {"true", "True", "1"}
            made = cluster.apply(kind, namespace, name, body, writer, force=force, part=part)
            return _object(request, made.raw, 201 if absent else 200)
        edits: dict[str, Any] = {
            "application/merge-patch+json": merge,
            "application/strategic-merge-patch+json": strategic,
            "application/json-patch+json": json_patch,
        }
        if how not in edits:
            raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type")
        edit = edits[how]
        changed = cluster.change(kind, namespace, name, lambda obj: edit(obj, body), writer, part)
        return _object(request, changed.raw)

    async def _scale(self, request: Request, kind: Kind) -> web.Response:
        found = self.cluster.find(kind, request.namespace, request.name).obj
        if request.verb == "get":
            return _json(scale(found))
        body = await _body(request.http)
        wanted = body if request.verb == "update" else merge(scale(found), body)
        return _json(scale(change_scale(self.cluster, kind, found, wanted, request.writer)))

    async def _finalize(self, request: Request) -> web.Response:
        wanted = (await _body(request.http)).get("spec") or {}
        spec = {"finalizers": wanted.get("finalizers") or []}
        changed = self.cluster.finalize(request.name, spec)
        return _object(request, changed.raw)


def _json(value: Object | str, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    if isinstance(value, str):
        return web.Response(text=value)
    return web.Response(body=orjson.dumps(value), status=code, content_type=JSON, headers=headers)


def _object(request: Request, raw: bytes, code: int = 200) -> web.Response:
    if request.partial:
        raw = streams.partial(raw)
    return web.Response(body=raw, status=code, content_type=JSON)


def _deleted(kind: Kind, name: str, uid: str) -> Object:
    details = {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural, "uid": uid}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


async def _body(http: web.Request) -> Any:
    raw = await http.read()
    if http.content_type == "application/vnd.kubernetes.protobuf":
        why = "the body of the request was in an unknown format - accepted media types include: application/json"
        raise StatusError(415, "UnsupportedMediaType", why)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if not http.content_type.endswith("yaml"):
            raise errors.bad_request("the object provided is unrecognized: json parse error") from None
    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError:
        raise errors.bad_request("error decoding YAML") from None


async def _options(request: Request) -> Object:
    body = await _body(request.http) if request.http.can_read_body else {}
    query = request.http.query
    if "gracePeriodSeconds" in query:
        body["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        body["propagationPolicy"] = query["propagationPolicy"]
    found: Object = body
    return found


def _abort(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.abort()


async def _cut(http: web.Request, whole: web.Response) -> web.StreamResponse:
    """Half of an answer, and then a dropped connection."""
    body = whole.body
    half = web.StreamResponse(status=whole.status, headers={"Content-Type": JSON})
    half.content_length = len(body) if isinstance(body, bytes) else 0
    await half.prepare(http)
    if isinstance(body, bytes):
        await half.write(body[: len(body) // 2])
    _abort(http)
    return half
