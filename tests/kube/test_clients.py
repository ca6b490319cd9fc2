"""Calls have limits, writes are fenced and not repeated blindly, and only Kubernetes' own answers are believed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kube import clients
from kube.clients import Cluster, connect
from kube.errors import (
    KubeconfigInvalid,
    LeaseLost,
    NotFound,
    NotKubernetes,
    ServerFault,
    Throttled,
    Unauthorized,
    Unreachable,
)
from kube.kubeconfig import Access
from kube.pace import CALLS
from simulator.simulator import Simulator
from tests.kube.serving import served, serving

NAMESPACES = "/api/v1/namespaces"


async def test_a_call_is_authenticated_and_says_who_calls() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"path": request.path_qs, "body": await request.text()})

    async with served(answer) as cluster:
        got = await cluster.request("PATCH", "/api/v1/x", query={"force": True, "limit": 5}, body={"a": [1]})
    assert got == {"path": "/api/v1/x?force=true&limit=5", "body": '{"a":[1]}'}
    assert seen[0].headers["authorization"] == "Bearer t"
    assert seen[0].headers["user-agent"] == "berth/0.1"


async def test_a_wrong_token_is_unauthorized(simulator: Simulator) -> None:
    async with connect(Access(simulator.url, token="wrong", allow_private=True)) as cluster:
        with pytest.raises(Unauthorized):
            await cluster.request("GET", "/version")


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["authorization"])
        return web.json_response({})

    file = tmp_path / "token"
    file.write_text("one")
    async with serving(answer) as url, connect(Access(url, token_file=file, allow_private=True)) as cluster:
        await cluster.request("GET", "/")
        file.write_text("two\n")
        await cluster.request("GET", "/")
    assert seen == ["Bearer one", "Bearer two"]


async def test_a_redirect_is_not_followed() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/")

    async with served(answer) as cluster:
        with pytest.raises(NotKubernetes, match="redirect"):
            await cluster.request("GET", "/version")


async def test_a_page_is_not_kubernetes() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>")

    async with served(answer) as cluster:
        with pytest.raises(NotKubernetes):
            await cluster.request("GET", "/version")


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LARGEST_ANSWER", 100_000)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    async with served(answer) as cluster:
        with pytest.raises(NotKubernetes, match="larger"):
            await cluster.request("GET", "/version")


async def test_a_call_that_is_not_answered_ends_in_time() -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with served(answer) as cluster:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await cluster.request("POST", NAMESPACES, body={}, timeout=0.05)


async def test_nobody_there_is_unreachable() -> None:
    async with connect(Access("http://127.0.0.1:1", token="t", allow_private=True)) as cluster:
        with pytest.raises(Unreachable):
            await cluster.request("POST", NAMESPACES, body={})


async def test_a_read_is_repeated_when_the_server_failed(simulator: Simulator, cluster: Cluster) -> None:
    simulator.fault("status", code=503, times=1)
    assert (await cluster.request("GET", "/version"))["major"] == "1"


async def test_a_write_is_repeated_only_when_that_is_safe(simulator: Simulator, cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}}
    simulator.fault("status", verb="create", code=500, times=1)
    with pytest.raises(ServerFault):
        await cluster.request("POST", NAMESPACES, body=body)
    simulator.fault("status", verb="create", code=500, times=1)
    made = await cluster.request("POST", NAMESPACES, body=body, repeatable=True)
    assert made["metadata"]["name"] == "one"


async def test_a_descriptor_that_uvloop_has_not_let_go_of_is_asked_for_again(
    simulator: Simulator, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    connecting = loop.sock_connect
    refused: list[object] = []

    async def refuse_once(*args: Any) -> None:
        if not refused:
            refused.append(args)
            raise RuntimeError("File descriptor 18 is used by transport <TCPTransport closed=False reading=True 0x55>")
        await connecting(*args)

    monkeypatch.setattr(loop, "sock_connect", refuse_once)
    assert (await cluster.request("GET", NAMESPACES))["kind"] == "NamespaceList"
    assert len(refused) == 1


async def test_throttling_is_honoured_for_writes_too(
    simulator: Simulator, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(clients, "sleep", pause)
    simulator.fault("status", verb="create", code=429, seconds=3, times=1)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}}
    await cluster.request("POST", NAMESPACES, body=body)
    simulator.fault("status", verb="get", code=429, seconds=2)
    with pytest.raises(Throttled):
        await cluster.request("GET", NAMESPACES + "/one")
    assert pauses == [3.0, 2.0, 2.0, 2.0]


async def test_retries_are_bounded_for_a_cluster_as_a_whole(
    simulator: Simulator, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(clients, "sleep", pause)
    simulator.fault("status", verb="get", code=500)
    for _ in range(20):
        with pytest.raises(ServerFault):
            await cluster.request("GET", NAMESPACES + "/one")
    assert len(pauses) == 20


async def test_a_fenced_write_is_not_sent_without_the_lease(simulator: Simulator, cluster: Cluster) -> None:
    async def guard() -> None:
        raise LeaseLost("too short")

    fenced = cluster.fenced(guard)
    with pytest.raises(LeaseLost):
        await fenced.request("POST", NAMESPACES, body={"metadata": {"name": "one"}})
    with pytest.raises(NotFound):
        await fenced.request("GET", NAMESPACES + "/one")


async def test_a_stream_with_another_status_is_an_error_and_no_content(cluster: Cluster) -> None:
    with pytest.raises(NotFound):
        async with cluster.stream(NAMESPACES + "/default/pods/none/log"):
            raise AssertionError("the body of an error is not content")


async def test_a_silent_stream_is_unreachable(cluster: Cluster) -> None:
    async def drain() -> None:
        async with cluster.stream(NAMESPACES, query={"watch": True}, silence=0.05) as response:
            while await response.content.readany():
                pass

    with pytest.raises(Unreachable, match="in time"):
        await drain()


async def test_streams_never_take_the_place_of_calls(cluster: Cluster) -> None:
    async with asyncio.timeout(10):
        async with asyncio.TaskGroup() as group:
            done = asyncio.Event()
            opened = asyncio.Semaphore(0)

            async def hold() -> None:
                async with cluster.stream(NAMESPACES, query={"watch": True}):
                    opened.release()
                    await done.wait()

            for _ in range(CALLS + 5):
                group.create_task(hold())
            for _ in range(CALLS + 5):
                await opened.acquire()
            assert (await cluster.request("GET", "/version"))["major"] == "1"
            done.set()


@pytest.mark.parametrize(
    "access",
    [
        Access("https://k8s.example.com", ca="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", token="t"),
        Access("https://k8s.example.com", client_certificate="-----BEGIN x", client_key="-----BEGIN x"),
    ],
)
async def test_certificates_that_are_none_are_refused_at_once(access: Access) -> None:
    with pytest.raises(KubeconfigInvalid):
        await Cluster.open(access)
