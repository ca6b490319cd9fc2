"""Faults: switched on by the test or over HTTP, for some requests or until they are switched off."""

import asyncio

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import DrivenClock
from simulator.state import Speeds
from tests.simulator.client import CONFIG_MAPS, PODS, TOKEN, Client, config_map, pod

NAMESPACES = "/api/v1/namespaces"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"), (401, "Unauthorized")],
)
async def test_a_status_is_answered_as_often_as_asked(api: Client, code: int, reason: str) -> None:
    api.sim.fault("status", code=code, times=2, verb="list", path="*/namespaces")
    for _ in range(2):
        assert (await api.refused("GET", NAMESPACES))["reason"] == reason
    assert len((await api.get(NAMESPACES))["items"]) == 4


async def test_too_many_requests_says_when_to_come_back(api: Client) -> None:
    api.sim.fault("status", code=429, seconds=3)
    async with api.session.get(NAMESPACES) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        assert (await answer.json())["details"] == {"retryAfterSeconds": 3}


async def test_a_slow_answer_takes_the_time_that_it_is_told(api: Client) -> None:
    api.sim.fault("slow", seconds=5, path="/version")
    asked = asyncio.create_task(api.get("/version"))
    assert isinstance(api.sim.clock, DrivenClock)
    while not api.sim.clock.pending:
        await asyncio.sleep(0)
    await api.advance(4.9)
    assert not asked.done()
    await api.advance(0.1)
    assert (await asked)["major"] == "1"


async def test_a_refused_request_finds_its_connection_closed(api: Client) -> None:
    api.sim.fault("refuse", times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.post(NAMESPACES, {"metadata": {"name": "shop"}})
    assert (await api.refused("GET", f"{NAMESPACES}/shop"))["code"] == 404


async def test_an_answer_that_is_cut_has_done_its_work(api: Client) -> None:
    api.sim.fault("cut", verb="create", times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.post(NAMESPACES, {"metadata": {"name": "shop"}})
    assert (await api.get(f"{NAMESPACES}/shop"))["status"]["phase"] == "Active"


@pytest.mark.parametrize("path", [CONFIG_MAPS + "?watch=1", f"{PODS}/web/log?follow=true"], ids=["a watch", "a log"])
async def test_open_streams_are_dropped_or_end_cleanly(shop: Client, path: str) -> None:
    await shop.post(PODS, pod())
    await shop.advance(1)
    stream = await shop.stream(path)
    assert await stream.line() != ""
    shop.sim.cut("clean")
    await stream.rest()
    stream = await shop.stream(path)
    assert await stream.line() != ""
    shop.sim.cut("abort")
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream.rest()


async def test_a_silent_watch_says_nothing_until_it_may(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true")
    assert [(await stream.event())[0], (await stream.event())[0]] == ["ADDED", "BOOKMARK"]
    shop.sim.fault("silence", verb="watch")
    made = await shop.post(CONFIG_MAPS, config_map())
    await shop.advance(120)
    shop.sim.clear_faults()
    assert await stream.event() == ("ADDED", made)
    stream.close()


async def test_a_missing_permission_is_forbidden_and_told_beforehand(shop: Client) -> None:
    shop.sim.fault("deny", verb="create", path="*/secrets")

    async def may(resource: str) -> bool:
        spec = {"resourceAttributes": {"verb": "create", "resource": resource, "namespace": "shop"}}
        answer = await shop.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})
        return bool(answer["status"]["allowed"])

    assert (await may("secrets"), await may("configmaps")) == (False, True)
    status = await shop.refused("POST", "/api/v1/namespaces/shop/secrets", {"metadata": {"name": "s"}})
    assert (status["code"], status["message"]) == (
        403, 'secrets is forbidden: User "simulator" cannot create resource "secrets" in API group "" in the '
        'namespace "shop"',
    )  # fmt: skip


async def test_a_finalizer_that_nobody_removes_holds_what_is_made(shop: Client) -> None:
    shop.sim.fault("hold", path="configmaps/stuck")
    await shop.post(CONFIG_MAPS, config_map("stuck"))
    shop.sim.clear_faults()
    await shop.delete(f"{NAMESPACES}/shop")
    await shop.advance(60)
    messages = [row["message"] for row in (await shop.get(f"{NAMESPACES}/shop"))["status"]["conditions"]]
    assert messages[-1] == (
        "Some content in the namespace has finalizers remaining: simulator.example/held in 1 resource instances"
    )


async def test_another_cluster_may_answer_at_the_same_address(api: Client) -> None:
    before = (await api.get(f"{NAMESPACES}/kube-system"))["metadata"]["uid"]
    after = api.sim.become_another()
    assert (await api.get(f"{NAMESPACES}/kube-system"))["metadata"]["uid"] == after != before


async def test_everything_can_be_switched_over_http(shop: Client) -> None:
    await shop.post("/simulator/faults", {"fault": "status", "code": 503, "path": "/version"})
    assert (await shop.refused("GET", "/version"))["reason"] == "ServiceUnavailable"
    assert [one["code"] for one in await shop.get("/simulator/faults")] == [503]
    await shop.delete("/simulator/faults")
    assert (await shop.post("/simulator/version", {"version": "v1.20.3"}))["minor"] == "20"
    assert (await shop.get("/version"))["gitVersion"] == "v1.20.3"
    await shop.post("/simulator/behaviours", {"image": "nginx:*", "unschedulable": "Insufficient cpu"})
    await shop.post(PODS, pod())
    await shop.advance(1)
    assert (await shop.get(f"{PODS}/web"))["status"]["conditions"][0]["reason"] == "Unschedulable"
    await shop.delete("/simulator/behaviours")
    uid = (await shop.post("/simulator/identity", {}))["uid"]
    assert (await shop.get(f"{NAMESPACES}/kube-system"))["metadata"]["uid"] == uid
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion={uid[:0]}")
    assert (await stream.event())[0] == "ADDED"
    await shop.post("/simulator/compact", {})
    assert (await stream.event())[1]["code"] == 410
    await shop.post("/simulator/cut", {"end": "clean"})
    assert (await shop.refused("POST", "/simulator/faults", {"fault": "gremlins"}))["code"] == 400
    assert (await shop.refused("POST", "/simulator/behaviours", {"colour": "red"}))["code"] == 400
    assert (await shop.refused("POST", "/simulator/nothing", {}))["code"] == 404


async def test_a_watch_may_be_refused_as_too_old_before_it_begins(shop: Client) -> None:
    shop.sim.fault("status", code=410, verb="watch", times=1)
    status = await shop.refused("GET", f"{CONFIG_MAPS}?watch=1")
    assert (status["reason"], status["message"]) == ("Expired", "too old resource version: 1 (2)")


async def test_a_watch_may_end_after_a_time(shop: Client) -> None:
    shop.sim.fault("end", verb="watch", times=1, seconds=5)
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion={2**40}")
    await shop.advance(5)
    assert await stream.rest() == ""


async def test_bookmarks_come_as_often_as_the_speeds_say() -> None:
    async with (
        Simulator(TOKEN, driven=True, speeds=Speeds(bookmark=2.0)) as sim,
        aiohttp.ClientSession(sim.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session,
    ):
        await sim.advance(0)
        query = f"watch=1&allowWatchBookmarks=1&resourceVersion={sim.store.version}"
        stream = await Client(sim, session).stream(f"{NAMESPACES}?{query}")
        await sim.advance(2)
        assert (await stream.event())[0] == "BOOKMARK"
        stream.close()
