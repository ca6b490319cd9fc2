"""Addresses behind which there is no cluster: one clear problem each, for a new cluster and for one that is there."""

import asyncio
import json
from pathlib import Path

import pytest

from settings import settings
from simulator.simulator import Simulator
from tests.api.clusters.registering import kubeconfig, refused_both_ways
from tests.kit.certificates import AUTHORITY, issue, serving
from tests.kit.impostors import http, replying, saying, silent
from tests.kit.makers import World

KUBERNETES_ITSELF = "Give the address of the Kubernetes API server itself, not of a proxy, a console or a web page."
ANSWERS: dict[str, tuple[bytes, str]] = {
    "a page": (http("200 OK", "<html>Welcome</html>"), "The answer is not a Kubernetes object."),
    "a page that is not there": (
        http("404 Not Found", "<html>No</html>"),
        "The server answers with status 404, and not as Kubernetes does.",
    ),
    "a page that is forbidden": (
        http("403 Forbidden", "<html>No</html>"),
        "The server answers with status 403, and not as Kubernetes does.",
    ),
    "a TLS server asked in plain": (
        http("400 Bad Request", "Client sent an HTTP request to an HTTPS server."),
        "The server answers with status 400, and not as Kubernetes does.",
    ),
    "another JSON": (
        http("200 OK", '{"hello": "world"}', "application/json"),
        "The server does not tell a Kubernetes version.",
    ),
    "a JSON list": (http("200 OK", "[1, 2]", "application/json"), "The answer is not a Kubernetes object."),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "What the server sends is not HTTP."),
    "too much": (
        http("200 OK", json.dumps({"gitVersion": "v1.34.0", "more": "x" * 1024 * 1024}), "application/json"),
        "The answer is larger than any that Kubernetes gives.",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_does_not_answer_as_kubernetes_does_is_refused(world: World, name: str) -> None:
    answer, message = ANSWERS[name]
    async with saying(answer) as server:
        assert await refused_both_ways(world, kubeconfig(server.url)) == ("CLUSTER_REFUSED", message, KUBERNETES_ITSELF)
        assert server.asked == 2


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
async def test_a_redirect_is_refused_and_not_followed(world: World, simulator: Simulator, status: str) -> None:
    async with (
        saying(http("200 OK", '{"gitVersion": "v1.34.0"}', "application/json")) as elsewhere,
        saying(http(status, "", Location=f"{elsewhere.url}/version")) as server,
    ):
        message = "GET /version was answered with a redirect, which is not followed."
        assert await refused_both_ways(world, kubeconfig(server.url)) == ("CLUSTER_REFUSED", message, KUBERNETES_ITSELF)
        assert elsewhere.connected == 0


async def test_an_answer_without_end_is_refused(world: World) -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"gitVersion": "')
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with replying(pour) as server:
        message = "The answer is larger than any that Kubernetes gives."
        assert await refused_both_ways(world, kubeconfig(server.url)) == ("CLUSTER_REFUSED", message, KUBERNETES_ITSELF)


async def test_a_plain_port_behind_an_https_address_is_refused(world: World, simulator: Simulator) -> None:
    message = "The server does not speak TLS, though its address begins with https."
    text = kubeconfig(simulator.url.replace("http:", "https:"))
    assert await refused_both_ways(world, text) == ("CLUSTER_REFUSED", message, KUBERNETES_ITSELF)


async def test_a_tls_port_behind_an_http_address_is_not_reached(world: World, tmp_path: Path) -> None:
    """A server of OpenSSL's only ends the connection; Kubernetes' own says why, which is tested above."""
    context = serving(issue("kubernetes", AUTHORITY), tmp_path)
    async with saying(http("200 OK", "{}"), context) as server:
        code, message, _ = await refused_both_ways(world, kubeconfig(server.url.replace("https:", "http:")))
    assert code == "CLUSTER_UNAVAILABLE"
    assert message.startswith("The cluster could not be reached: ")


REACHABLE = "Check that the cluster runs and that its address is reachable from Berth; the operation can be repeated."


async def test_a_server_that_never_answers_is_given_up(world: World, private_addresses: pytest.MonkeyPatch) -> None:
    private_addresses.setenv("BERTH_CLUSTER_CHECK", "0.3")
    settings.cache_clear()
    async with silent() as server:
        message = "The cluster did not answer within 0.3 seconds."
        assert await refused_both_ways(world, kubeconfig(server.url)) == ("CLUSTER_UNAVAILABLE", message, REACHABLE)


async def test_a_server_that_answers_byte_by_byte_is_given_up(
    world: World, private_addresses: pytest.MonkeyPatch
) -> None:
    private_addresses.setenv("BERTH_CLUSTER_CHECK", "0.3")
    settings.cache_clear()

    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)

    async with replying(drip) as server:
        message = "The cluster did not answer within 0.3 seconds."
        assert await refused_both_ways(world, kubeconfig(server.url)) == ("CLUSTER_UNAVAILABLE", message, REACHABLE)


async def test_a_port_where_nobody_listens_is_refused_for_now(world: World) -> None:
    async with silent() as server:
        url = server.url
    code, message, remedy = await refused_both_ways(world, kubeconfig(url))
    assert (code, remedy) == ("CLUSTER_UNAVAILABLE", REACHABLE)
    assert message.startswith("The cluster could not be reached: ")


async def test_credentials_that_the_cluster_does_not_know_are_refused(world: World, simulator: Simulator) -> None:
    message, remedy = "The cluster does not accept the credentials.", "Give a kubeconfig with fresh credentials."
    text = kubeconfig(simulator.url, token="wrong")
    assert await refused_both_ways(world, text) == ("CLUSTER_REFUSED", message, remedy)
