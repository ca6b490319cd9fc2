"""The pods of an instance through the API, from the simulated cluster."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from kube.resources import POD
from live.pods import _MOST_WAITING, pod_hub
from models import AppService, Instance, Membership
from rules.enums import InstanceState
from simulator.kinds import PODS
from tests.kit.chosen import Choose
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox
from tests.kit.waiting import until

FOLLOW = """subscription($id: ID!) { pods(instanceId: $id) {
  is: __typename
  ... on PodsSnapshot { stale reason pods { ...pod } }
  ... on PodsChanged { changed { ...pod } removed }
  ... on PodsStale { reason }
  ... on StreamEnded { endReason retryable }
} }
fragment pod on Pod {
  uid name service phase ready terminating reason restarts node created
  containers { name image init ready restarts state reason exitCode lastReason lastExitCode }
}"""


@pytest.fixture(autouse=True)
async def quick(choose: Choose) -> AsyncIterator[None]:
    """Streams that look often, and a hub that is closed when the test ends."""
    choose(token_recheck=0.05, log_flush=0.01, heartbeat=0.05)
    yield
    await pod_hub.close()


Stream = AsyncGenerator[dict[str, Any], None]


async def watching(sandbox: Sandbox, id: str) -> Stream:
    """The events of a stream, without those that say nothing but that it is well."""
    async with aclosing(sandbox.api.follow(FOLLOW, id=id)) as stream:  # type: ignore[type-var]
        async for event in stream:
            if event["pods"]["is"] != "Heartbeat":
                yield event["pods"]


async def refusal_of(api: Api, id: str) -> str:
    """The code with which a stream is refused."""
    with pytest.raises(AssertionError) as caught:
        await anext(api.follow(FOLLOW, id=id))
    found = re.search(r"[A-Z_]{5,}", str(caught.value))
    assert found is not None
    return found[0]


def take_in(known: dict[str, Any], event: dict[str, Any]) -> None:
    """What a client does with an event."""
    if event["is"] == "PodsSnapshot":
        known.clear()
    for pod in event.get("pods", []) + event.get("changed", []):
        known[pod["uid"]] = pod
    for uid in event.get("removed", []):
        known.pop(uid, None)


async def scale(sandbox: Sandbox, id: str, replicas: int) -> None:
    """Gives the service `worker` so many pods."""
    service = await AppService.get(instance_id=id, name="worker")
    await sandbox.api.change("setAppServiceReplicas", {"id": service.id, "replicas": replicas}, "problems { code }")
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()


async def test_all_pods_come_first_then_every_change(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    known: dict[str, Any] = {}
    async with aclosing(watching(sandbox, id)) as stream:
        first = await anext(stream)
        assert (first["is"], first["stale"], first["reason"]) == ("PodsSnapshot", False, "")
        take_in(known, first)
        assert [(pod["service"], pod["phase"], pod["ready"]) for pod in first["pods"]] == [
            ("cache", "RUNNING", True), ("web", "RUNNING", True), ("worker", "RUNNING", True),
        ]  # fmt: skip
        [container] = first["pods"][0]["containers"]
        assert (container["state"], container["ready"], container["restarts"]) == ("RUNNING", True, 0)
        await scale(sandbox, id, 3)
        async for event in stream:
            take_in(known, event)
            if sum(pod["service"] == "worker" and pod["ready"] for pod in known.values()) == 3:
                break
        await scale(sandbox, id, 0)
        async for event in stream:
            take_in(known, event)
            if len(known) == 2:
                break
    there = {one["metadata"]["uid"] for one in sandbox.simulator.store.objects(PODS, "shop-dev")}
    assert set(known) == there


async def test_what_is_wrong_with_a_pod_is_said_in_kubernetes_words(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(image="*worker*", exit="3", after=0.02, last="out of memory")
    id = await sandbox.create()
    await Instance.filter(id=id).update(state=InstanceState.OK)
    async with aclosing(watching(sandbox, id)) as stream:
        async for event in stream:
            for pod in event.get("pods", []) + event.get("changed", []):
                [container] = pod["containers"]
                if pod["service"] == "worker" and container["reason"] == "CrashLoopBackOff":
                    assert (pod["ready"], pod["reason"]) == (False, "CrashLoopBackOff")
                    assert (container["lastReason"], container["lastExitCode"]) == ("Error", 3)
                    assert (container["state"], container["exitCode"], pod["restarts"] > 0) == ("WAITING", None, True)
                    return


async def test_all_who_watch_share_one_watch_that_outlives_them_for_a_while(sandbox: Sandbox, choose: Choose) -> None:
    choose(pod_linger=0.3)
    id = await sandbox.create()

    def watches() -> int:
        return sum(one.path == POD.path("shop-dev") for one in sandbox.simulator.state.open)

    streams = [watching(sandbox, id) for _ in range(20)]
    for stream in streams:
        assert (await anext(stream))["is"] == "PodsSnapshot"
    assert (watches(), pod_hub.followed) == (1, 1)
    for stream in streams:
        await stream.aclose()
    async with aclosing(watching(sandbox, id)) as again:
        assert (await anext(again))["stale"] is False
        assert (watches(), pod_hub.followed) == (1, 1)

    async def gone() -> tuple[int, int]:
        return watches(), pod_hub.followed

    await until(gone, (0, 0))


async def test_what_is_not_followed_is_said_to_be_stale_and_then_to_be_current(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(watching(sandbox, id)) as stream:
        [*_, worker] = (await anext(stream))["pods"]
        sandbox.simulator.fault("status", verb="watch", path="*/pods", code=500)
        sandbox.simulator.fault("status", verb="list", path="*/pods", code=500)
        sandbox.simulator.cut("abort")
        stale = await next_of(stream, "PodsStale")
        assert "Internal error" in stale["reason"]
        async with aclosing(watching(sandbox, id)) as late:
            first = await anext(late)
            assert (first["is"], first["stale"], len(first["pods"])) == ("PodsSnapshot", True, 3)
        gone = POD.path("shop-dev", worker["name"])
        await (await sandbox.client()).request("DELETE", gone)
        sandbox.simulator.clear_faults()
        await next_of(stream, "PodsCurrent")
        async for event in stream:
            if worker["uid"] in event.get("removed", []):
                break


async def next_of(stream: Stream, kind: str) -> dict[str, Any]:
    async for event in stream:
        if event["is"] == kind:
            return event
    raise AssertionError(f"no {kind} came")


async def test_a_reader_that_is_late_gets_all_pods_anew(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    async with aclosing(watching(sandbox, id)) as slow:
        await anext(slow)
        [pods] = pod_hub._followed.values()
        [watcher] = pods.watchers
        for _ in range(_MOST_WAITING + 1):
            pods._dirty = dict.fromkeys(pods._pods)
            pods._hand_out()
        assert not watcher._waiting
        assert (await anext(slow))["is"] == "PodsSnapshot"


async def test_a_stream_ends_by_name_when_it_may_not_go_on(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    for change, reason in (
        (partial(Instance.filter(id=id).update, state=InstanceState.DELETING), "INSTANCE_STATE"),
        (partial(Instance.filter(id=id).update, state=InstanceState.OK), None),
        (partial(Membership.filter(user_id=sandbox.world.owner.user_id).delete), "ACCESS_LOST"),
    ):
        if reason is None:
            await change()
            continue
        async with aclosing(watching(sandbox, id)) as stream:
            await anext(stream)
            await change()
            ended = await next_of(stream, "StreamEnded")
            assert (ended["endReason"], ended["retryable"]) == (reason, False)


async def test_what_cannot_be_watched_is_refused_by_name(sandbox: Sandbox, choose: Choose) -> None:
    id, other = await sandbox.create(), await sandbox.create("other")
    for wrong in ("ins_00000000000000000000000000", sandbox.world.app.id, "nonsense"):
        assert await refusal_of(sandbox.api, id=wrong) == "NOT_FOUND"
    choose(pod_watches_per_cluster=1)
    async with aclosing(watching(sandbox, id)) as stream:
        await anext(stream)
        assert await refusal_of(sandbox.api, id=other) == "QUOTA_EXCEEDED"
    async with aclosing(watching(sandbox, other)) as stream:  # what nobody watches any more makes room
        assert (await anext(stream))["is"] == "PodsSnapshot"
    await Instance.filter(id=id).update(state=InstanceState.DELETING)
    assert await refusal_of(sandbox.api, id=id) == "OPERATION_BLOCKED"
