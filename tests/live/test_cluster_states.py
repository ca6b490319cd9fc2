"""How well clusters are reached, as the status writer writes it down, and as those are told who follow them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from live import cluster_watch
from live.status import StatusWriter
from models import Cluster, Organization
from rules.enums import Role
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox, attach
from tests.kit.waiting import until

CLUSTER = """query($id: ID!) { node(id: $id) { ... on Cluster {
  state reason stateSince syncedAt stale breaker { state reason since nextTryAt }
} } }"""
EVENTS = """subscription($id: ID!, $after: String) { clusterEvents(id: $id, after: $after) {
  __typename ... on Event { cursor } ... on ClusterSnapshot { cluster { state } }
  ... on ClusterStateChanged { state before reason } ... on ClusterChanged { title accessChanged }
  ... on ClusterTested { passed }
} }"""
SILENT = "The cluster could not be reached"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is away is looked at often."""
    monkeypatch.setattr(cluster_watch, "_AWAY", 0.05)


async def shown(sandbox: Sandbox) -> Any:
    return (await sandbox.api.query(CLUSTER, id=sandbox.world.cluster.id))["node"]


async def state(sandbox: Sandbox) -> str:
    return str((await shown(sandbox))["state"])


@asynccontextmanager
async def following(api: Api, id: str, **more: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The events of a cluster without their cursors, which are looked at here: they count up by one."""

    async def told() -> AsyncIterator[dict[str, Any]]:
        last: int | None = None
        async with aclosing(api.follow(EVENTS, id=id, **more)) as events:  # type: ignore[type-var]
            async for data in events:
                event = data["clusterEvents"]
                number = int(event.pop("cursor"))
                assert last is None or number == last + 1
                last = number
                yield event

    async with aclosing(told()) as stream:  # type: ignore[type-var]
        yield stream


async def test_a_cluster_that_falls_silent_is_shown_as_stale_with_its_breaker(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    well = await shown(sandbox)
    assert (well["reason"], well["stale"]) == ("", False)
    assert well["syncedAt"] is not None
    assert well["breaker"] == {"state": "CLOSED", "reason": "", "since": None, "nextTryAt": None}

    sandbox.simulator.fault("refuse")
    sandbox.simulator.cut()

    async def is_left_alone() -> bool:
        return bool((await shown(sandbox))["breaker"]["nextTryAt"])

    await until(is_left_alone, True)
    ill = await shown(sandbox)
    assert (ill["state"], ill["stale"], ill["reason"].startswith(SILENT)) == ("UNREACHABLE", True, True)
    assert ill["stateSince"] > well["stateSince"]
    assert ill["syncedAt"] <= ill["stateSince"]
    assert (ill["breaker"]["state"], ill["breaker"]["reason"].startswith(SILENT)) == ("OPEN", True)
    assert ill["breaker"]["since"] <= ill["breaker"]["nextTryAt"]

    sandbox.simulator.clear_faults()
    await until(lambda: state(sandbox), "CONNECTED")
    back = await shown(sandbox)
    assert (back["stale"], back["breaker"]) == (False, well["breaker"])
    assert back["syncedAt"] > ill["stateSince"]


async def test_each_state_is_told_to_those_who_follow(sandbox: Sandbox, writer: StatusWriter) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    async with following(sandbox.api, sandbox.world.cluster.id) as events:
        assert await anext(events) == {"__typename": "ClusterSnapshot", "cluster": {"state": "CONNECTED"}}
        sandbox.simulator.fault("status", code=401)
        sandbox.simulator.cut()
        told = [await anext(events)]
        while told[-1].get("state") != "AUTH_FAILED":
            told.append(await anext(events))
        assert told[-1] == {
            "__typename": "ClusterStateChanged",
            "state": "AUTH_FAILED",
            "before": "CONNECTED" if len(told) == 1 else told[-2]["state"],
            "reason": "The cluster does not accept the credentials.",
        }
        sandbox.simulator.clear_faults()
        while told[-1].get("state") != "CONNECTED":
            told.append(await anext(events))
        assert told[-1]["reason"] == ""


async def test_a_silence_is_told_once_however_long_it_lasts(sandbox: Sandbox, writer: StatusWriter) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    sandbox.simulator.fault("refuse")
    sandbox.simulator.cut()
    await until(lambda: state(sandbox), "UNREACHABLE")
    number = (await Cluster.get(id=sandbox.world.cluster.id)).seq
    tries = set()

    async def has_been_tried() -> bool:
        tries.add((await shown(sandbox))["breaker"]["nextTryAt"])
        return len(tries) > 4

    await until(has_been_tried, True)
    assert (await Cluster.get(id=sandbox.world.cluster.id)).seq == number


async def test_a_cluster_that_lacks_what_is_needed_is_degraded_until_a_test_says_otherwise(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    sandbox.simulator.fault("deny", verb="create", path="/api/v1/secrets")
    given = {"id": sandbox.world.cluster.id}
    async with following(sandbox.api, given["id"]) as events:
        await anext(events)
        await sandbox.api.change("testCluster", given, "problems { code }")
        lacking = "The account may not: create secrets."
        assert await anext(events) == {
            "__typename": "ClusterStateChanged",
            "state": "DEGRADED",
            "before": "CONNECTED",
            "reason": lacking,
        }
        assert await anext(events) == {"__typename": "ClusterTested", "passed": False}
        for _ in range(2):
            before = (await shown(sandbox))["syncedAt"]
            await until(partial(is_newer, sandbox, before), True)
        assert ((await shown(sandbox))["state"], (await shown(sandbox))["reason"]) == ("DEGRADED", lacking)
        sandbox.simulator.clear_faults()
        await sandbox.api.change("testCluster", given, "problems { code }")
        await until(lambda: state(sandbox), "CONNECTED")


async def is_newer(sandbox: Sandbox, than: str) -> bool:
    """Whether the writer has found again that all is as it was."""
    return str((await shown(sandbox))["syncedAt"]) > than


async def test_an_organization_under_change_delays_the_states_of_its_clusters_and_nothing_fails(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    other = await makers.world()
    await attach(other.cluster, sandbox.simulator.url)
    await until(lambda: state(sandbox), "CONNECTED")
    async with in_transaction() as connection:
        await Organization.select_for_update().using_db(connection).get(id=sandbox.world.organization.id)
        sandbox.simulator.fault("status", code=401)
        await until(partial(is_refused, other.cluster.id), True)
        assert await state(sandbox) == "CONNECTED"
        await Cluster.select_for_update().using_db(connection).get(id=sandbox.world.cluster.id)
    await until(lambda: state(sandbox), "AUTH_FAILED")


async def is_refused(id: str) -> bool:
    return (await Cluster.get(id=id)).state == "AUTH_FAILED"


async def test_a_cluster_is_followed_from_its_registration_to_its_end(sandbox: Sandbox) -> None:
    id = (await makers.cluster(sandbox.world.organization, "west")).id
    async with following(sandbox.api, id) as events:
        assert (await anext(events))["__typename"] == "ClusterSnapshot"
        await sandbox.api.change("updateCluster", {"id": id, "title": "Far west"}, "problems { code }")
        changed = {"__typename": "ClusterChanged", "title": "Far west", "accessChanged": False}
        assert await anext(events) == changed
        await sandbox.api.change("removeCluster", {"id": id}, "problems { code }")
        assert await anext(events) == {"__typename": "ClusterGone"}
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_coming_back_with_a_cursor_misses_nothing(sandbox: Sandbox) -> None:
    id = (await makers.cluster(sandbox.world.organization, "west")).id
    for title in ("One", "Two", "Three"):
        given = {"id": id, "title": title}
        answer = await sandbox.api.change("updateCluster", given, "cursor cluster { cursor } problems { code }")
        assert answer["cursor"] == answer["cluster"]["cursor"]
    async with following(sandbox.api, id, after="1") as events:
        assert [(await anext(events))["title"] for _ in range(2)] == ["Two", "Three"]


async def test_who_may_not_see_a_cluster_cannot_follow_it_and_a_reader_can(sandbox: Sandbox) -> None:
    id = sandbox.world.cluster.id
    async with following(Api((await makers.world()).owner), id) as events:
        with pytest.raises(AssertionError, match="NOT_FOUND"):
            await anext(events)
    reader = Api(await makers.viewer(sandbox.world.organization, role=Role.READER))
    async with following(reader, id) as events:
        assert (await anext(events))["__typename"] == "ClusterSnapshot"
