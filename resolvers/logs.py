"""Logs: what the containers of an instance write, as they write it, and what they wrote before."""

from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any

from strawberry import ID, Info

from kube.errors import KubeError
from live.log_events import LogEnd, LogEvent, LogPage
from live.log_filter import Filter
from live.logs import Home, hub
from models.ids import kind_of
from resolvers.context import Context
from resolvers.following import seen
from resolvers.selection import selection
from rules.enums import InstanceState
from rules.refusals import Refused, not_found
from rules.states import Operation, check, judge
from rules.viewer import Viewer
from settings import settings

MOST_TAIL = 5_000
MOST_PAGE = 1_000
_MOST_NAMES = 100
_LONGEST_NAME = 253
_LONGEST_TEXT = 1_000


async def instance_logs(
    info: Info[Context, None], instance_id: ID, filter: Any = None, tail: int = 200, after: str | None = None
) -> AsyncGenerator[LogEvent, None]:
    """Raises: Refused NOT_FOUND, INVALID_INPUT, INVALID_CURSOR, OPERATION_BLOCKED, QUOTA_EXCEEDED."""
    if not 0 <= tail <= MOST_TAIL:
        message = f"tail is {tail}; it can be 0 to {MOST_TAIL:,}."
        raise Refused("INVALID_INPUT", message, "Ask for fewer past lines.", "tail")
    wanted = _wanted(filter)
    viewer, session = info.context.viewer, info.context.session
    home = await _home(viewer, instance_id)
    with (
        hub.stream(viewer.user_id, home, wanted, tail=tail, after=after) as stream,
        session.waking(stream.viewer.wake),
    ):
        looked = spoke = monotonic()
        while True:
            event: LogEvent | None
            if (ending := session.ending) is not None:
                event = stream.viewer.last(LogEnd(ending.reason, ending.retryable, ending.message))
            else:
                next_due = min(looked + settings().token_recheck, spoke + settings().heartbeat)
                event = await stream.viewer.next(max(0.0, next_due - monotonic()))
            if monotonic() - looked >= settings().token_recheck:
                looked = monotonic()
                end = await _end(info.context.watcher, instance_id)
                event = stream.viewer.last(end) if end is not None else event
            if event is not None:
                yield event
            if isinstance(event, LogEnd):
                return
            if monotonic() - spoke >= settings().heartbeat:
                spoke = monotonic()
                yield stream.heartbeat()


async def logs(
    info: Info[Context, None],
    instance_id: ID,
    filter: Any = None,
    before: str | None = None,
    after: str | None = None,
    limit: int = 200,
) -> LogPage:
    """Raises: Refused NOT_FOUND, INVALID_INPUT, INVALID_CURSOR, OPERATION_BLOCKED, CLUSTER_UNAVAILABLE."""
    if not 1 <= limit <= MOST_PAGE:
        message = f"limit is {limit}; it can be 1 to {MOST_PAGE:,}."
        raise Refused("INVALID_INPUT", message, "Ask for fewer lines and page on.", "limit")
    if before is not None and after is not None:
        message = "A page is before one cursor or after one, and not between two."
        raise Refused("INVALID_INPUT", message, "Leave one of them out.", "before")
    wanted = _wanted(filter)
    home = await _home(info.context.viewer, instance_id)
    try:
        horizon = "horizon" in selection(info)
        return await hub.page(home, wanted, limit, before=before, after=after, horizon=horizon)
    except KubeError as error:
        code = "CLUSTER_UNAVAILABLE" if error.retryable else "CLUSTER_REFUSED"
        raise Refused(code, error.message, error.remedy, retryable=error.retryable) from error


async def _home(viewer: Viewer, id: str) -> Home:
    """Where the instance runs, if its logs can be read. Raises: Refused NOT_FOUND, OPERATION_BLOCKED."""
    found = await _read(viewer, id)
    if found is None or found["deleted_at"] is not None:
        raise not_found("instanceId")
    check(Operation.LIVE_LOGS, InstanceState(found["state"]))
    return Home(id, found["cluster_id"], found["namespace"])


async def _read(viewer: Viewer, id: str) -> Any:
    if kind_of(id) != "Instance":
        return None
    return await seen(viewer, "Instance", id, "t.state, t.deleted_at, t.cluster_id, t.namespace")


async def _end(viewer: Viewer, id: str) -> LogEnd | None:
    """Why the stream may not go on; None when it may."""
    found = await _read(viewer, id)
    if found is None:
        return LogEnd("ACCESS_LOST", False, "You may no longer see the instance.")
    if found["deleted_at"] is not None:
        return LogEnd("INSTANCE_GONE", False, "The instance is deleted.")
    refusal = judge(Operation.LIVE_LOGS, InstanceState(found["state"])).refusal
    return LogEnd("INSTANCE_STATE", False, refusal.message) if refusal is not None else None


def _wanted(given: Any) -> Filter:
    """The filter that an input object stands for. Raises: Refused INVALID_INPUT."""
    if given is None:
        return Filter()
    contains = given.contains or ""
    if len(contains) > _LONGEST_TEXT:
        message = f"The text to look for has {len(contains):,} characters; it can have {_LONGEST_TEXT:,}."
        raise Refused("INVALID_INPUT", message, "Look for a shorter text.", "filter.contains")
    return Filter(
        services=_names(given.services, "filter.services"),
        containers=_names(given.containers, "filter.containers"),
        pods=_names(given.pods, "filter.pods"),
        contains=contains,
        min_level=given.min_level.value if given.min_level is not None else None,
        previous=given.previous,
    )


def _names(given: list[str] | None, path: str) -> frozenset[str]:
    names = frozenset(given or ())
    if len(names) > _MOST_NAMES or any(len(name) > _LONGEST_NAME for name in names):
        message = f"There can be {_MOST_NAMES} names of at most {_LONGEST_NAME} characters each."
        raise Refused("INVALID_INPUT", message, "Name fewer, or none for all.", path)
    return names
