"""Live logs through the API, from the simulated cluster's containers."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from live.logs import hub
from models import AppService, Instance, Membership, Task, Token
from rules.enums import InstanceState
from settings import settings
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox

LOGS = """subscription($id: ID!, $filter: LogFilter, $tail: Int! = 200) {
  instanceLogs(instanceId: $id, filter: $filter, tail: $tail) {
    is: __typename
    ... on LogSources { sources { index service pod container } }
    ... on LogBatch { lines { seq timestamp source message plain level truncated } dropped { source count from to } }
    ... on LogGap { source from to reason count }
    ... on LogLifecycle { type source reason message exitCode at }
    ... on LogHeartbeat { upstreams lagMs }
    ... on LogEnd { reason retryable message }
  }
}"""


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Streams that look often, and a hub that is closed when the test ends."""
    for name, value in (("TOKEN_RECHECK", "0.05"), ("LOG_FLUSH", "0.01"), ("HEARTBEAT", "0.05")):
        monkeypatch.setenv(f"BERTH_{name}", value)
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


async def events(api: Api, id: str, *, tail: int = 200, **filter: Any) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream, without those that say nothing but that it is well."""
    async with aclosing(api.follow(LOGS, id=id, filter=filter, tail=tail)) as stream:  # type: ignore[type-var]
        async for event in stream:
            if event["instanceLogs"]["is"] != "LogHeartbeat":
                yield event["instanceLogs"]


async def refusal(api: Api, id: str, **more: Any) -> str:
    """The code with which a subscription is refused."""
    with pytest.raises(AssertionError) as caught:
        await anext(api.follow(LOGS, id=id, **more))
    found = re.search(r"[A-Z_]{5,}", str(caught.value))
    assert found is not None
    return found[0]


async def test_the_past_and_what_comes_are_one_stream_without_a_seam(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=50.0)
    id = await sandbox.create()
    numbers: list[int] = []
    async with aclosing(events(sandbox.api, id, services=["web"])) as stream:  # type: ignore[type-var]
        first = await anext(stream)
        assert first["is"] == "LogSources"
        assert [source["service"] for source in first["sources"]] == ["web"]
        async for event in stream:
            assert event["is"] == "LogBatch"
            assert event["dropped"] == []
            numbers += numbers_of(event)
            if len(numbers) >= 20:
                break
    assert numbers == list(range(1, len(numbers) + 1))


async def test_broken_connections_to_the_cluster_lose_nothing_and_repeat_nothing(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=200.0)
    id = await sandbox.create()
    numbers: list[int] = []
    async with aclosing(events(sandbox.api, id, services=["web"])) as stream:  # type: ignore[type-var]
        for end in ("abort", "clean", "abort"):
            event = await until(stream, lambda event: event["is"] == "LogBatch")
            numbers += numbers_of(event)
            sandbox.simulator.cut(end)
        while len(numbers) < 300:
            numbers += numbers_of(await anext(stream))
    assert numbers == list(range(1, len(numbers) + 1))


def numbers_of(event: dict[str, Any]) -> list[int]:
    """The numbers that the simulated containers give their lines."""
    return [int(line["message"].split()[-1]) for line in event.get("lines", ()) if " line " in line["message"]]


async def test_every_replica_of_every_service_is_read(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        first = await anext(stream)
    assert sorted(source["service"] for source in first["sources"]) == ["cache", "web", "worker"]


async def test_the_run_before_a_crash_can_be_read(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(image="*worker*", exit="3", after=0.02, last="out of memory")
    id = await sandbox.create()
    told = [event async for event in events(sandbox.api, id, services=["worker"], previous=True)]
    assert [source["service"] for source in told[0]["sources"]] == ["worker"]
    assert [line["message"] for event in told[1:-1] for line in event["lines"]][-1] == "out of memory"
    assert told[-1] == {"is": "LogEnd", "reason": "COMPLETED", "retryable": False, "message": ""}


async def scale(sandbox: Sandbox, id: str, replicas: int) -> None:
    """Gives the service `worker` so many pods."""
    service = await AppService.get(instance_id=id, name="worker")
    await sandbox.api.change("setAppServiceReplicas", {"id": service.id, "replicas": replicas}, "problems { code }")
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()


async def test_pods_that_come_and_go_are_events_in_the_stream(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id, services=["worker"], tail=0)) as stream:  # type: ignore[type-var]
        [first] = (await anext(stream))["sources"]
        await scale(sandbox, id, 2)
        [added] = (await until(stream, lambda event: event["is"] == "LogSources"))["sources"]
        assert (added["service"], added["pod"] != first["pod"]) == ("worker", True)
        joined = await until(stream, lambda event: event["is"] == "LogLifecycle")
        assert (joined["type"], joined["source"]) == ("JOINED", added["index"])
        line = (await until(stream, lambda event: lines_of(event, added["index"])))["lines"]
        assert [(one["seq"], one["message"]) for one in line if one["source"] == added["index"]][:2] == [
            (1, "worker: starting"),
            (2, "worker: reading configuration"),
        ]
        await scale(sandbox, id, 0)
        left = await until(stream, lambda event: event.get("type") == "LEFT")
        assert left["source"] is not None


def lines_of(event: dict[str, Any], source: int) -> list[dict[str, Any]]:
    """The lines of a source that an event brings."""
    return [line for line in event.get("lines", ()) if line["source"] == source]


async def until(stream: AsyncIterator[dict[str, Any]], wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The first event that is as wanted."""
    async for event in stream:
        if wanted(event):
            return event
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("state", InstanceState)
async def test_each_state_answers_as_the_instances_operations_say(sandbox: Sandbox, state: InstanceState) -> None:
    instance = await makers.instance(sandbox.world, state=state)
    document = "query($id: ID!) { node(id: $id) { ... on Instance { operations { name allowed } } } }"
    shown = (await sandbox.api.query(document, id=instance.id))["node"]["operations"]
    allowed = {each["name"]: each["allowed"] for each in shown}["LIVE_LOGS"]
    assert allowed == (state in ("DEPLOYING", "IMPORTING", "OK"))
    if not allowed:
        assert await refusal(sandbox.api, instance.id) == "OPERATION_BLOCKED"
        return
    async with aclosing(events(sandbox.api, instance.id)) as stream:  # type: ignore[type-var]
        assert await anext(stream) == {"is": "LogSources", "sources": []}


async def test_another_tenants_instance_does_not_exist(opened_database: str) -> None:
    instance = await makers.instance(await makers.world())
    stranger = Api((await makers.world()).owner)
    assert await refusal(stranger, instance.id) == "NOT_FOUND"
    assert await refusal(stranger, "ins_00000000000000000000000000") == "NOT_FOUND"


@pytest.mark.parametrize(
    "more", [{"tail": 5_001}, {"tail": -1}, {"filter": {"contains": "x" * 10_000}}, {"filter": {"pods": ["p"] * 2}}]
)
async def test_what_cannot_be_asked_is_refused(opened_database: str, more: dict[str, Any]) -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    if "pods" in more.get("filter", {}):
        more = {"filter": {"pods": [f"pod-{number}" for number in range(101)]}}
    assert await refusal(Api(world.owner), instance.id, **more) == "INVALID_INPUT"


async def last(stream: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    """The event that a stream ends with."""
    event: dict[str, Any] = {}
    async for event in stream:  # noqa: B007
        pass
    return event


@pytest.mark.parametrize("state", [InstanceState.DELETING, InstanceState.ERRORED])
async def test_a_stream_ends_when_the_instance_leaves_the_states_that_have_logs(
    sandbox: Sandbox, state: InstanceState
) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        await anext(stream)
        failed = await Task.get(instance_id=id) if state is InstanceState.ERRORED else None
        await Instance.filter(id=id).update(state=state, failed_task_id=failed and failed.id)
        assert await last(stream) == {
            "is": "LogEnd",
            "reason": "INSTANCE_STATE",
            "retryable": False,
            "message": f"The instance is {state}: one cannot follow its logs in this state.",
        }


async def test_a_stream_ends_when_one_has_left_the_organization(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        await anext(stream)
        await Membership.filter(user_id=sandbox.api.viewer.user_id).delete()
        assert (await last(stream))["reason"] == "ACCESS_LOST"


async def test_a_stream_ends_when_its_token_is_revoked(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        await anext(stream)
        await Token.filter(id=sandbox.api.viewer.token_id).update(revoked_at=datetime.now(UTC))
        assert await last(stream) == {
            "is": "LogEnd",
            "reason": "ACCESS_LOST",
            "retryable": False,
            "message": "You may no longer see the instance.",
        }


async def test_a_stream_ends_when_the_server_does(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        await anext(stream)
        await hub.close()
        assert await last(stream) == {"is": "LogEnd", "reason": "SERVER_DRAIN", "retryable": True, "message": ""}


async def test_a_user_may_have_so_many_streams(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_LOG_STREAMS_PER_USER", "1")
    settings.cache_clear()
    id = await sandbox.create()
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        await anext(stream)
        assert await refusal(sandbox.api, id) == "QUOTA_EXCEEDED"
    async with aclosing(events(sandbox.api, id)) as stream:  # type: ignore[type-var]
        assert (await anext(stream))["is"] == "LogSources"


async def test_while_nothing_runs_the_stream_waits_and_says_that_it_is_well(sandbox: Sandbox) -> None:
    instance = await makers.instance(sandbox.world, namespace="shop-empty")
    async with aclosing(sandbox.api.follow(LOGS, id=instance.id)) as stream:  # type: ignore[type-var]
        told = [(await anext(stream))["instanceLogs"] for _ in range(2)]
    assert {"is": "LogHeartbeat", "upstreams": 0, "lagMs": None} in told
