"""One request as the API server understands it: which verb on which object."""

from dataclasses import dataclass

from aiohttp import web

from simulator import errors
from simulator.access import Deed
from simulator.accounts import User
from simulator.cluster import Writer
from simulator.kinds import BY_PLURAL, KINDS, NAMESPACES, Kind
from simulator.selectors import Match, selector

TRUE = {"true", "True", "1"}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}


@dataclass(slots=True)
class Request:
    """A request, its path taken apart. `kind` is None for documents such as /version."""

    http: web.Request
    parts: list[str]
    verb: str
    kind: Kind | None
    namespace: str
    name: str
    subresource: str
    writer: Writer
    match: Match
    user: User

    @property
    def where(self) -> str | None:
        """The namespace of a list or watch; None for all of them."""
        return self.namespace or None

    def deed(self, kind: Kind) -> Deed:
        """What is asked for, as RBAC sees it."""
        resource = f"{kind.plural}/{self.subresource}" if self.subresource else kind.plural
        namespace = self.name if kind is NAMESPACES and not self.namespace else self.namespace
        return Deed(self.verb, kind.group, resource, namespace, self.name)

    @property
    def partial(self) -> bool:
        """Whether only metadata is asked for."""
        return "as=PartialObjectMetadata" in self.http.headers.get("Accept", "")


def parse(http: web.Request, user: User) -> Request:
    """Reads path and query. Raises 400 for a selector that cannot be read, 404 for a path that is not served.

    That 404 is a Status for an unknown kind, and plain text for an unknown group.
    """
    parts = [part for part in http.path.split("/") if part]
    query = http.query
    manager = query.get("fieldManager") or http.headers.get("User-Agent", "unknown").partition("/")[0]
    writer = Writer(manager, dry_run=query.get("dryRun") == "All")
    match = selector(query.get("labelSelector", ""), query.get("fieldSelector", ""))
    request = Request(http, parts, _VERBS.get(http.method, ""), None, "", "", "", writer, match, user)
    core = parts[:1] == ["api"]
    head = 2 if core else 3
    if parts[:1] not in (["api"], ["apis"]) or len(parts) <= head:
        return request
    version = parts[1] if core else f"{parts[1]}/{parts[2]}"
    rest = parts[head:]
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        request.namespace, rest = rest[1], rest[2:]
    if all(kind.api_version != version for kind in KINDS):
        raise web.HTTPNotFound(text="404 page not found\n")
    kind = BY_PLURAL.get((version, rest[0]))
    if kind is None or len(rest) > 3 or (request.namespace and not kind.namespaced):
        raise errors.unknown_path()
    request.kind = kind
    request.name, request.subresource = (*rest[1:], "", "")[:2]
    if kind.namespaced and not request.namespace and (request.name or request.verb == "create"):
        raise errors.unknown_path()
    if not request.name:
        if request.verb == "get":
            request.verb = "watch" if query.get("watch") in TRUE else "list"
        if request.verb == "delete":
            request.verb = "deletecollection"
    return request
