"""Streams of tasks and instances: a snapshot, every change once and in order, one end; and coming back by cursor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from tortoise.connection import get_connection

from live.events import bells
from models import Instance, Task, Token, User
from resolvers.auth import authenticate
from resolvers.session import SERVER_DRAIN, Session
from settings import Settings
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox

TASK = """subscription($id: ID!, $after: String) { taskEvents(id: $id, after: $after) {
  __typename ... on Event { cursor }
  ... on TaskSnapshot { task { state } } ... on TaskStateChanged { state }
  ... on StepChanged { title stepState message progress }
  ... on StepLogged { lines } ... on TaskEnded { state failure { code } }
  ... on StreamEnded { endReason retryable } } }"""
INSTANCE = """subscription($id: ID!, $after: String) { instanceEvents(id: $id, after: $after) {
  __typename ... on Event { cursor }
  ... on InstanceSnapshot { instance { state } } ... on InstanceStateChanged { state before }
  ... on InstanceTaskChanged { kind taskState } ... on AppServiceChanged { appService { name } }
  ... on InstanceChanged { title } ... on Heartbeat { lagMs } ... on StreamEnded { endReason retryable } } }"""


@pytest.fixture(autouse=True)
async def listening(opened_database: str) -> AsyncIterator[None]:
    """This process hears of new events, as an API process does."""
    bells.open(opened_database)
    yield
    await bells.close()


async def collect(api: Api, document: str, field: str, limit: int | None = None, **variables: Any) -> list[Any]:
    """The events of a stream, to its end or until there are so many."""
    events = []
    async with asyncio.timeout(20), aclosing(api.follow(document, **variables)) as stream:  # type: ignore[type-var]
        async for data in stream:
            events.append(data[field])
            if limit is not None and len(events) == limit:
                break
    return events


async def a_creation(sandbox: Sandbox) -> tuple[str, str]:
    """An instance that is about to be created, and its task."""
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    made = await sandbox.api.change("createInstance", given, "instance { id } task { id }")
    return made["instance"]["id"], made["task"]["id"]


async def test_a_task_is_followed_from_its_snapshot_to_its_end(sandbox: Sandbox) -> None:
    _, task = await a_creation(sandbox)
    following = asyncio.create_task(collect(sandbox.api, TASK, "taskEvents", id=task))
    async with asyncio.timeout(10):
        while not bells._waiting:
            await asyncio.sleep(0.01)
    await sandbox.drain()
    events = await following

    assert events[0]["__typename"] == "TaskSnapshot"
    first = int(events[0]["cursor"])
    assert [event["cursor"] for event in events] == [str(number) for number in range(first, first + len(events))]
    assert [event["__typename"] for event in events].count("TaskEnded") == 1
    assert events[-1]["__typename"] == "TaskEnded"
    assert (events[-1]["state"], events[-1]["failure"]) == ("DONE", None)
    began = [one["title"] for one in events if one.get("stepState") == "IN_PROGRESS" and not one["message"]]
    assert began == [
        "Check the cluster",
        "Create the namespace",
        "Apply limits, policies, account, secrets and claims",
        "Check the instance",
        "Check what is to be applied",
        "Apply the services",
        "Wait until the pods are ready",
        "Remove what is no longer part of it",
        "Allow the pods no more than they need",
    ]
    assert [one["progress"] for one in events if one.get("stepState") == "DONE"] == [
        11,
        22,
        33,
        44,
        55,
        66,
        77,
        88,
        100,
    ]


async def test_a_viewer_who_comes_back_gets_each_event_once(sandbox: Sandbox) -> None:
    _, task = await a_creation(sandbox)
    await sandbox.drain()
    whole = await collect(sandbox.api, TASK, "taskEvents", id=task, after="0")
    for cut in (0, 1, 7, len(whole) - 1):
        first = await collect(sandbox.api, TASK, "taskEvents", limit=cut, id=task, after="0") if cut else []
        rest = await collect(sandbox.api, TASK, "taskEvents", id=task, after=first[-1]["cursor"] if first else "0")
        assert first + rest == whole


async def test_an_ended_task_is_a_snapshot_and_its_end(sandbox: Sandbox) -> None:
    _, task = await a_creation(sandbox)
    await sandbox.drain()
    last = (await Task.get(id=task)).seq
    assert await collect(sandbox.api, TASK, "taskEvents", id=task, after=str(last)) == []
    following = await collect(sandbox.api, TASK, "taskEvents", id=task)
    assert [one["__typename"] for one in following] == ["TaskSnapshot", "TaskEnded"]


async def test_an_instance_is_followed_to_its_end(sandbox: Sandbox) -> None:
    id, _ = await a_creation(sandbox)
    following = asyncio.create_task(collect(sandbox.api, INSTANCE, "instanceEvents", id=id))
    await sandbox.drain()
    await sandbox.api.change("renameInstance", {"id": id, "title": "New"}, "cursor")
    await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    events = await following
    assert events[0]["__typename"] == "InstanceSnapshot"
    assert [(one["before"], one["state"]) for one in events if one["__typename"] == "InstanceStateChanged"] == [
        ("CREATING", "DEPLOYING"),
        ("DEPLOYING", "OK"),
        ("OK", "DELETING"),
    ]
    assert [one["title"] for one in events if one["__typename"] == "InstanceChanged"] == ["New"]
    assert [(one["kind"], one["taskState"]) for one in events if one["__typename"] == "InstanceTaskChanged"] == [
        ("CREATE_INSTANCE", "DONE"),
        ("DELETE_INSTANCE", "QUEUED"),
    ]
    assert events[-1]["__typename"] == "InstanceGone"


async def test_a_mutation_s_cursor_is_where_to_follow_after(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    renamed = await sandbox.api.change("renameInstance", {"id": id, "title": "One"}, "cursor")
    await sandbox.api.change("renameInstance", {"id": id, "title": "Two"}, "cursor")
    [event] = await collect(sandbox.api, INSTANCE, "instanceEvents", limit=1, id=id, after=renamed["cursor"])
    assert event["title"] == "Two"


@pytest.mark.parametrize("cursor", ["", "-1", "abc", "99999", "1.5", "9" * 40])
async def test_a_cursor_of_no_event_is_refused(sandbox: Sandbox, cursor: str) -> None:
    id = await sandbox.create()
    with pytest.raises(AssertionError, match="INVALID_CURSOR"):
        await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after=cursor)


async def test_a_cursor_whose_events_are_forgotten_asks_for_a_new_beginning(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await get_connection("default").execute_query("DELETE FROM event WHERE subject = $1 AND number < 4", [id])
    [event] = await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after="1")
    assert (event["__typename"], event["endReason"], event["retryable"]) == ("StreamEnded", "RESYNC_REQUIRED", True)
    await get_connection("default").execute_query("DELETE FROM event WHERE subject = $1", [id])
    [event] = await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after="1")
    assert event["endReason"] == "RESYNC_REQUIRED"


async def test_an_ended_task_whose_events_are_forgotten_still_has_its_end(sandbox: Sandbox) -> None:
    _, task = await a_creation(sandbox)
    await sandbox.drain()
    await get_connection("default").execute_query("DELETE FROM event WHERE subject = $1", [task])
    last = str((await Task.get(id=task)).seq)
    assert await collect(sandbox.api, TASK, "taskEvents", id=task) == [
        {"__typename": "TaskSnapshot", "cursor": last, "task": {"state": "DONE"}},
        {"__typename": "TaskEnded", "cursor": last, "state": "DONE", "failure": None},
    ]
    assert await collect(sandbox.api, TASK, "taskEvents", id=task, after=last) == []


async def test_a_viewer_who_was_away_when_the_instance_went_gets_its_end(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    after = str((await Instance.get(id=id)).seq)
    await sandbox.drain()
    events = await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after=after)
    assert events[-1]["__typename"] == "InstanceGone"
    assert await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after=events[-1]["cursor"]) == []
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        await collect(sandbox.api, INSTANCE, "instanceEvents", id=id)


async def test_another_tenant_s_task_does_not_exist(sandbox: Sandbox) -> None:
    _, task = await a_creation(sandbox)
    stranger = Api(await makers.viewer(await makers.organization()))
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        await collect(stranger, TASK, "taskEvents", id=task)


async def test_a_stream_ends_when_its_token_is_revoked(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolvers.follow.settings", lambda: Settings(token_recheck=0.01, event_poll=0.02))
    id = await sandbox.create()
    await Token.filter(id=sandbox.world.owner.token_id).update(revoked_at=datetime.now(UTC))
    after = str((await Instance.get(id=id)).seq)
    [event] = await collect(sandbox.api, INSTANCE, "instanceEvents", id=id, after=after)
    assert (event["endReason"], event["retryable"]) == ("ACCESS_LOST", False)


async def test_a_stream_that_has_nothing_to_tell_says_that_it_is_well(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.follow.settings", lambda: Settings(event_poll=0.01, heartbeat=0.02))
    id = await sandbox.create()
    after = str((await Instance.get(id=id)).seq)
    [event] = await collect(sandbox.api, INSTANCE, "instanceEvents", limit=1, id=id, after=after)
    assert event == {"__typename": "Heartbeat", "cursor": after, "lagMs": None}
    before = str(int(after) - 1)
    last, event = await collect(sandbox.api, INSTANCE, "instanceEvents", limit=2, id=id, after=before)
    assert (last["cursor"], event["__typename"], event["cursor"]) == (after, "Heartbeat", after)
    assert 0 <= event["lagMs"] < 60_000


async def test_a_stream_of_a_connection_that_must_end_says_why_and_where_to_go_on(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    session = Session()
    api = Api(sandbox.world.owner, session)
    following = asyncio.create_task(collect(api, INSTANCE, "instanceEvents", id=id))
    async with asyncio.timeout(10):
        while not bells._waiting:
            await asyncio.sleep(0.01)
    session.end(SERVER_DRAIN)
    events = await following
    assert (events[-1]["endReason"], events[-1]["retryable"]) == ("SERVER_DRAIN", True)
    assert events[-1]["cursor"] == events[-2]["cursor"]


async def test_a_stream_goes_on_under_a_renewed_token_and_its_rights(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.follow.settings", lambda: Settings(token_recheck=0.01, event_poll=0.02))
    id = await sandbox.create()
    owner = sandbox.world.owner
    session = Session()
    stream = Api(owner, session).follow(INSTANCE, id=id)
    assert (await anext(stream))["instanceEvents"]["__typename"] == "InstanceSnapshot"
    _, secret = await makers.token(await User.get(id=owner.user_id))
    renewed = await authenticate(secret)
    assert renewed is not None
    session.renew(secret, renewed)
    await Token.filter(id=owner.token_id).update(revoked_at=datetime.now(UTC))
    await sandbox.api.change("renameInstance", {"id": id, "title": "New"}, "cursor")
    assert (await anext(stream))["instanceEvents"]["title"] == "New"
    await Token.filter(id=renewed.token_id).update(revoked_at=datetime.now(UTC))
    ended = (await anext(stream))["instanceEvents"]
    assert (ended["endReason"], ended["retryable"]) == ("ACCESS_LOST", False)
