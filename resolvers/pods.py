"""Pods: those of an instance, and every change of them."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from strawberry import ID, Info

from live.pods import Home, pod_hub
from models.ids import kind_of
from resolvers import told
from resolvers.context import Context
from resolvers.following import seen
from rules.enums import InstanceState
from rules.refusals import not_found
from rules.states import Operation, check, judge
from rules.viewer import Viewer
from settings import settings


async def pods(info: Info[Context, None], instance_id: ID) -> AsyncGenerator[Any, None]:
    """Raises: Refused NOT_FOUND, OPERATION_BLOCKED, QUOTA_EXCEEDED."""
    session = info.context.session
    with pod_hub.watching(await _home(info.context.viewer, instance_id)) as watcher, session.waking(watcher.wake):
        looked = spoke = monotonic()
        while True:
            next_due = min(looked + settings().token_recheck, spoke + settings().heartbeat)
            event = await watcher.next(max(0.0, next_due - monotonic()))
            end: tuple[str, bool] | None = None
            if session.ending is not None:
                end = session.ending.reason, session.ending.retryable
            elif event is None and watcher.over:
                end = "INTERRUPTED", True
            elif monotonic() - looked >= settings().token_recheck:
                looked = monotonic()
                end = await _end(info.context.watcher, instance_id)
            if end is not None:
                yield told.ended("", end[0], again=end[1])
                return
            if event is not None:
                spoke = monotonic()
                yield event
            elif monotonic() - spoke >= settings().heartbeat:
                spoke = monotonic()
                yield told.Heartbeat("", datetime.now(UTC), None)


async def _home(viewer: Viewer, id: str) -> Home:
    """Where the instance runs. Raises: Refused NOT_FOUND, OPERATION_BLOCKED."""
    found = await _read(viewer, id)
    if found is None or found["deleted_at"] is not None:
        raise not_found("instanceId")
    check(Operation.PODS, InstanceState(found["state"]))
    return found["cluster_id"], found["namespace"]


async def _read(viewer: Viewer, id: str) -> Any:
    if kind_of(id) != "Instance":
        return None
    return await seen(viewer, "Instance", id, "t.state, t.deleted_at, t.cluster_id, t.namespace")


async def _end(viewer: Viewer, id: str) -> tuple[str, bool] | None:
    """Why the stream may not go on, and whether coming back is worth while; None when it may go on."""
    found = await _read(viewer, id)
    if found is None:
        return "ACCESS_LOST", False
    if found["deleted_at"] is not None:
        return "INSTANCE_GONE", False
    return ("INSTANCE_STATE", False) if judge(Operation.PODS, InstanceState(found["state"])).refusal else None
