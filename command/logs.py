"""`berth logs`: what an instance's containers wrote and write, with what could not be had told beside it."""

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from command.ending import give_up
from command.following import follow
from command.remote import Remote, RemoteError

_LINE = "timestamp source message plain level truncated"
_SOURCE = "index service pod container"
_FOLLOW = f"""subscription($instance: ID!, $filter: LogFilter, $tail: Int!, $after: String) {{
  instanceLogs(instanceId: $instance, filter: $filter, tail: $tail, after: $after) {{
    __typename
    ... on LogSources {{ sources {{ {_SOURCE} }} }}
    ... on LogBatch {{ cursor lines {{ {_LINE} }} dropped {{ source count dropReason: reason }} }}
    ... on LogGap {{ gapSource: source gapReason: reason count }}
    ... on LogLifecycle {{ type lifecycleSource: source lifecycleReason: reason message exitCode }}
    ... on LogHeartbeat {{ cursor }}
    ... on LogEnd {{ cursor endReason: reason retryable message }}
  }}
}}"""
_PAGE = f"""query($instance: ID!, $filter: LogFilter, $before: String, $limit: Int!) {{
  logs(instanceId: $instance, filter: $filter, before: $before, limit: $limit) {{
    lines {{ {_LINE} }} sources {{ {_SOURCE} }} gaps {{ source reason count }} startCursor hasMore
  }}
}}"""
_BY_NAME = """query($app: String!, $name: String!, $of: String) {
  instance(app: $app, name: $name, organization: $of) { id }
}"""
_NAMES = "{ instances(first: 20) { nodes { name app { name } } } }"
_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PAGE_OF = 1_000
_MOST_TAIL = 5_000
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. since: RFC 3339, or how long ago, such as `10m`. tail: how many past lines."""

    instance: str
    organization: str = ""
    follow: bool = False
    since: str = ""
    tail: int = 200
    services: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    pods: list[str] = field(default_factory=list)
    grep: str = ""
    level: str = ""
    previous: bool = False
    timestamps: bool = False
    prefix: bool = True
    as_json: bool = False

    @property
    def filter(self) -> dict[str, Any]:
        """As the API takes it."""
        given = {
            "services": self.services, "containers": self.containers, "pods": self.pods, "contains": self.grep,
            "minLevel": self.level.upper(), "previous": self.previous,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}


def show(remote: Remote, wanted: Wanted) -> None:
    """Prints lines to standard output, and what is not as it should be to standard error."""
    try:
        since = _since(wanted.since)
        instance = _instance(remote, wanted)
        printer = _Printer(wanted)
        if wanted.follow:
            _follow(remote, wanted, instance, since, printer)
        else:
            for page in _pages(remote, wanted, instance, since):
                printer.page(page)
    except RemoteError as error:
        give_up(error)


def _follow(remote: Remote, wanted: Wanted, instance: str, since: int, printer: "_Printer") -> None:
    tail = _MOST_TAIL if since else max(0, min(wanted.tail, _MOST_TAIL))
    variables = {"instance": instance, "filter": wanted.filter, "tail": tail, "after": None}
    for event in follow(remote, _FOLLOW, variables):
        if event["__typename"] == "LogBatch":
            event["lines"] = [line for line in event["lines"] if int(line["timestamp"]) >= since]
        printer.event(event)
        if event["__typename"] == "LogEnd" and event["endReason"] in ("ACCESS_LOST", "INSTANCE_STATE"):
            give_up(event["message"])


def _pages(remote: Remote, wanted: Wanted, instance: str, since: int) -> list[dict[str, Any]]:
    """Pages from the oldest line that is wanted to the newest; they are read backwards."""
    pages: list[dict[str, Any]] = []
    left, before = (sys.maxsize if since else wanted.tail), None
    while left > 0:
        variables = {"instance": instance, "filter": wanted.filter, "before": before, "limit": min(left, _PAGE_OF)}
        page = remote.ask(_PAGE, **variables)["logs"]
        fitting = [line for line in page["lines"] if int(line["timestamp"]) >= since]
        pages.append({**page, "lines": fitting})
        left -= len(fitting)
        before = page["startCursor"]
        if not page["hasMore"] or len(fitting) < len(page["lines"]):
            break
    return pages[::-1]


class _Printer:
    """Prints as a terminal, a pipe or a program wants it."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._terminal = sys.stdout.isatty()
        self._sources: dict[int, dict[str, Any]] = {}

    def page(self, page: dict[str, Any]) -> None:
        self._sources = {source["index"]: source for source in page["sources"]}
        self._lines(page["lines"])
        for gap in page["gaps"]:
            self._gap(gap["source"], gap["reason"], gap["count"])

    def event(self, event: dict[str, Any]) -> None:
        match event["__typename"]:
            case "LogSources":
                self._sources |= {source["index"]: source for source in event["sources"]}
            case "LogBatch":
                self._lines(event["lines"])
                for drop in event["dropped"]:
                    whose = self._name(drop["source"])
                    self._say(f"{drop['count']} lines of {whose} were left out: {drop['dropReason']}")
            case "LogGap":
                self._gap(event["gapSource"], event["gapReason"], event["count"])
            case "LogLifecycle":
                code = f" (exit code {event['exitCode']})" if event["exitCode"] is not None else ""
                said = " ".join(filter(None, (event["type"], event["lifecycleReason"], event["message"])))
                self._say(f"{self._name(event['lifecycleSource'])}: {said}{code}")
            case "LogEnd":
                self._say(f"the end: {event['message']}")

    def _lines(self, lines: Iterable[dict[str, Any]]) -> None:
        text = "".join(f"{self._line(line)}\n" for line in lines)
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()

    def _line(self, line: dict[str, Any]) -> str:
        source = self._sources.get(line["source"], {})
        if self._wanted.as_json:
            at = {name: source.get(name) for name in ("service", "pod", "container")}
            return json.dumps({"timestamp": _time(line), **at, "level": line["level"], "message": line["plain"]})
        parts = [_time(line)] if self._wanted.timestamps else []
        if self._wanted.prefix:
            name = self._name(line["source"])
            colour = _COLOURS[line["source"] % len(_COLOURS)]
            parts.append(f"\x1b[{colour}m{name}\x1b[0m" if self._terminal else name)
        parts.append(line["message"] if self._terminal else line["plain"])
        return " ".join(parts)

    def _name(self, index: int | None) -> str:
        source = self._sources.get(-1 if index is None else index)
        return f"{source['pod']}/{source['container']}" if source else "the instance"

    def _gap(self, source: int | None, reason: str, count: int | None) -> None:
        how_many = "lines" if count is None else f"{count} lines"
        self._say(f"{how_many} of {self._name(source)} may be missing here: {reason}")

    def _say(self, sentence: str) -> None:
        print(f"-- {sentence}", file=sys.stderr, flush=True)


def _time(line: dict[str, Any]) -> str:
    seconds, rest = divmod(int(line["timestamp"]), 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _since(text: str) -> int:
    """Nanoseconds since 1970; 0 without a text."""
    if not text:
        return 0
    if ago := _AGO.fullmatch(text):
        at = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            give_up(f"{text!r} is no time: use 30s, 10m, 2h or 1d, or 2026-01-31T12:00:00Z.")
    return int(at.timestamp() * 1_000_000_000)


def _instance(remote: Remote, wanted: Wanted) -> str:
    """The id of the instance that is named by its id or as APP/INSTANCE."""
    if wanted.instance.startswith("ins_"):
        return wanted.instance
    app, slash, name = wanted.instance.partition("/")
    if not slash:
        give_up(f"{wanted.instance!r} is no instance: name one as APP/INSTANCE, or by its id.")
    of = wanted.organization or None
    found = remote.ask(_BY_NAME, app=app, name=name, of=of)["instance"]
    if found is None:
        known = [f"{one['app']['name']}/{one['name']}" for one in remote.ask(_NAMES)["instances"]["nodes"]]
        there = f"There are {', '.join(sorted(known))}." if known else "There is none that the token may see."
        give_up(f"There is no instance {wanted.instance}. {there}")
    return str(found["id"])
