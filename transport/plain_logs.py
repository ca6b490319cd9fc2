"""`GET /instances/{app}/{instance}/logs`: logs for curl and the like, as text or as server-sent events.

It asks what the GraphQL API asks (`logs`, and `instanceLogs` with `follow`): rights, limits, cursors and what is
shared among viewers are the same.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from resolvers.session import Session
from transport.bodies import EVENT_STREAM, Rejected, wanted
from transport.disconnects import while_connected
from transport.endpoint import Endpoint
from transport.errors import BAD_REQUEST, BAD_USER_INPUT, Formatted, problem
from transport.operations import Asked, StreamFailed
from transport.requests import request_id_of
from transport.streaming import HEADERS, SIGN_OF_LIFE, EventStream, Form

TEXT = "text/plain"
_LINE = "timestamp source message: plain level"
_SOURCE = "index service pod container"
_BY_NAME = """query($app: String!, $name: String!, $organization: String) {
  instance(app: $app, name: $name, organization: $organization) { id }
}"""
_PAGE = f"""query($instance: ID!, $filter: LogFilter, $before: String, $after: String, $tail: Int!) {{
  logs(instanceId: $instance, filter: $filter, before: $before, after: $after, limit: $tail) {{
    lines {{ {_LINE} }} sources {{ {_SOURCE} }} gaps {{ source reason count }} startCursor endCursor
  }}
}}"""
_FOLLOW = f"""subscription($instance: ID!, $filter: LogFilter, $after: String, $tail: Int!) {{
  instanceLogs(instanceId: $instance, filter: $filter, after: $after, tail: $tail) {{
    event: __typename
    ... on LogSources {{ sources {{ {_SOURCE} }} }}
    ... on LogBatch {{ cursor lines {{ {_LINE} }} dropped {{ source count dropReason: reason }} }}
    ... on LogGap {{ gapSource: source gapReason: reason gapCount: count from to }}
    ... on LogLifecycle {{ type lifecycleSource: source lifecycleReason: reason message exitCode }}
    ... on LogHeartbeat {{ cursor upstreams lagMs }}
    ... on LogEnd {{ cursor endReason: reason retryable message }}
  }}
}}"""
_LISTS = {"service": "services", "container": "containers", "pod": "pods"}
_FLAGS = ("follow", "timestamps", "prefix", "previous")
_TEXTS = ("grep", "level", "organization", "before", "after", "tail")
_STATUS = {
    "NOT_FOUND": 404, "OPERATION_BLOCKED": 409, "QUOTA_EXCEEDED": 429, "TOO_MANY_SUBSCRIPTIONS": 429, "FORBIDDEN": 403,
    "CLUSTER_UNAVAILABLE": 503, "CLUSTER_REFUSED": 502, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 503, "BUSY": 503,
    "INTERNAL_ERROR": 500,
}  # fmt: skip


class PlainLogs(Endpoint):
    """The ASGI application behind the route, which has the parameters `app` and `instance`."""

    async def _respond(self, request: Request) -> Response | EventStream | None:
        request_id = request_id_of(request)
        try:
            if request.method not in ("GET", "HEAD"):
                raise Rejected(405, problem(BAD_REQUEST, "Logs are asked for by GET."), {"allow": "GET"})
            media = wanted(request.headers.get("accept", ""), (TEXT, EVENT_STREAM), TEXT)
            if media is None:
                raise Rejected(406, problem(BAD_REQUEST, f"Logs come as {TEXT} or {EVENT_STREAM}.", "Accept one."))
            viewer, token = await self._viewer(request)
            flags, given = _read(request)
            given["instance"] = await self._instance(request, viewer, given.pop("organization"), request_id)
            if media == EVENT_STREAM or flags["follow"]:
                return await self._followed(media, flags, given, viewer, token, request_id)
            return await self._past(request, flags, given, viewer, request_id)
        except Rejected as rejected:
            said = " ".join(filter(None, (str(rejected.error), (rejected.error.extensions or {}).get("remedy", ""))))
            return Response(f"{said}\n", rejected.status, rejected.headers, TEXT)

    async def _asked(self, document: str, variables: Mapping[str, Any], viewer: object, request_id: str) -> Any:
        """The data of a query. Raises Rejected."""
        prepared = self._service.operations.prepare(Asked(document, None, variables))
        context = self._service.make_context(viewer, request_id, Session())
        answer = await self._service.operations.execute(prepared, context, request_id)
        if errors := answer.get("errors"):
            raise _rejected(errors)
        return answer["data"]

    async def _instance(self, request: Request, viewer: object, organization: str | None, request_id: str) -> str:
        names = {"app": request.path_params["app"], "name": request.path_params["instance"]}
        found = (await self._asked(_BY_NAME, {**names, "organization": organization}, viewer, request_id))["instance"]
        if found is None:
            raise Rejected(
                404, problem("NOT_FOUND", "There is no such instance, or you may not see it.", "Check both names.")
            )
        return str(found["id"])

    async def _past(
        self, request: Request, flags: Mapping[str, bool], given: dict[str, Any], viewer: object, request_id: str
    ) -> Response | None:
        data = await while_connected(request.receive, self._asked(_PAGE, given, viewer, request_id))
        if data is None:
            return None
        page, shown = data["logs"], _Text(flags)
        shown.sources(page["sources"])
        body = shown.lines(page["lines"]) + "".join(
            shown.gap(one["source"], one["reason"], one["count"]) for one in page["gaps"]
        )
        headers = {"berth-start-cursor": page["startCursor"], "berth-end-cursor": page["endCursor"]}
        return Response(body, 200, headers, TEXT)

    async def _followed(
        self, media: str, flags: Mapping[str, bool], given: dict[str, Any], viewer: object, token: str, request_id: str
    ) -> EventStream:
        self._has_room(token)
        given.pop("before")
        session = Session(token)
        prepared = self._service.operations.prepare(Asked(_FOLLOW, None, given))
        context = self._service.make_context(viewer, request_id, session)
        answers = self._stream(prepared, context, token, request_id)
        try:
            first = await anext(answers)
        except StreamFailed as failure:
            raise _rejected(failure.errors) from failure
        form = _as_events() if media == EVENT_STREAM else _as_text(flags)
        return EventStream(_all(first, answers), self._service.limits, session, *self._must_end(session), form=form)


async def _all(first: str, rest: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async with aclosing(rest) as answers:
        yield first
        async for answer in answers:
            yield answer


def _read(request: Request) -> tuple[dict[str, bool], dict[str, Any]]:
    """Flags, and the variables of the operations, of a request's parameters. Raises Rejected."""
    asked = request.query_params
    unknown = asked.keys() - {*_LISTS, *_FLAGS, *_TEXTS}
    if unknown:
        known = ", ".join((*_LISTS, *_FLAGS, *_TEXTS))
        raise Rejected(
            400, problem(BAD_USER_INPUT, f"There is no parameter {sorted(unknown)[0]!r}.", f"There are {known}.")
        )
    flags = {name: _flag(name, asked.get(name, str(name == "prefix"))) for name in _FLAGS}
    filter: dict[str, Any] = {plural: asked.getlist(name) for name, plural in _LISTS.items() if name in asked}
    filter |= {"contains": asked.get("grep"), "previous": flags["previous"]}
    if "level" in asked:
        filter["minLevel"] = asked["level"].upper()
    tail = asked.get("tail", "200")
    if not tail.isdecimal():
        raise Rejected(400, problem(BAD_USER_INPUT, f"tail is {tail[:20]!r}.", "Use a number of lines."))
    after = asked.get("after") or request.headers.get("last-event-id") or None
    return flags, {
        "filter": filter, "tail": int(tail), "after": after, "before": asked.get("before"),
        "organization": asked.get("organization"),
    }  # fmt: skip


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", ""):
        raise Rejected(400, problem(BAD_USER_INPUT, f"{name} is {text[:20]!r}.", "Use true or false."))
    return text.lower() not in ("false", "0")


def _rejected(errors: list[Formatted]) -> Rejected:
    first = errors[0]
    code = first["extensions"]["code"]
    return Rejected(_STATUS.get(code, 400), problem(code, first["message"], first["extensions"].get("remedy", "")))


class _Text:
    """Events as lines of text. What is no line of a container begins with `#`, which a name never does; without names
    in front of the lines it could be taken for one, and is left out."""

    def __init__(self, flags: Mapping[str, bool]) -> None:
        self._flags = flags
        self._names: dict[int | None, str] = {None: "the instance"}

    def sources(self, sources: list[Any]) -> None:
        self._names |= {one["index"]: f"{one['pod']}/{one['container']}" for one in sources}

    def lines(self, lines: list[Any]) -> str:
        return "".join(self._line(line) for line in lines)

    def gap(self, source: int | None, reason: str, count: int | None) -> str:
        return self._note(
            f"{'' if count is None else f'{count} '}lines of {self._name(source)} may be missing: {reason}"
        )

    def event(self, event: Any) -> str:
        """One event of a stream, empty where there is nothing to read."""
        match event["event"]:
            case "LogSources":
                self.sources(event["sources"])
            case "LogBatch":
                left_out = (
                    self._note(
                        f"{one['count']} lines of {self._name(one['source'])} were left out: {one['dropReason']}"
                    )
                    for one in event["dropped"]
                )
                return self.lines(event["lines"]) + "".join(left_out)
            case "LogGap":
                return self.gap(event["gapSource"], event["gapReason"], event["gapCount"])
            case "LogLifecycle":
                said = " ".join(filter(None, (event["type"], event["lifecycleReason"], event["message"])))
                return self._note(f"{self._name(event['lifecycleSource'])}: {said}")
            case "LogEnd":
                again = f" Go on with after={event['cursor']}" if event["retryable"] and event["cursor"] else ""
                return self._note(f"the end, {event['endReason']}: {event['message']}{again}")
        return ""

    def _line(self, line: Any) -> str:
        seconds, rest = divmod(int(line["timestamp"]), 1_000_000_000)
        at = (
            f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z "
            if self._flags["timestamps"]
            else ""
        )
        name = f"{self._name(line['source'])} " if self._flags["prefix"] else ""
        return f"{at}{name}{line['message']}\n"

    def _note(self, text: str) -> str:
        return f"# {text}\n" if self._flags["prefix"] else ""

    def _name(self, source: int | None) -> str:
        return self._names.get(source, self._names[None])


def _as_text(flags: Mapping[str, bool]) -> Form:
    text = _Text(flags)

    def one(answer: str) -> bytes:
        event = (orjson.loads(answer).get("data") or {}).get("instanceLogs")
        return text.event(event).encode() if event else b""

    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS[1:]]
    return Form(headers, b"", one)


def _as_events() -> Form:
    """`event` is the event's type, `data` all of it as JSON, and `id` its cursor, which browsers send back."""

    def one(answer: str) -> bytes:
        event = (orjson.loads(answer).get("data") or {}).get("instanceLogs")
        if not event:
            return b""
        cursor = f"id: {event['cursor']}\n" if event.get("cursor") else ""
        return f"event: {event['event']}\n{cursor}data: ".encode() + orjson.dumps(event) + b"\n\n"

    return Form(HEADERS, SIGN_OF_LIFE, one)
