"""Servers whose certificate does not prove that they are the cluster: each reason has its sentence and its remedy."""

import base64
from pathlib import Path

import pytest

from tests.api.clusters.registering import kubeconfig, refused_both_ways
from tests.kit.certificates import AUTHORITY, Pair, issue, serving
from tests.kit.impostors import http, saying
from tests.kit.makers import World

STRANGER = issue("stranger")
ANOTHER_AUTHORITY = "Give a kubeconfig whose certificate authority signed the server's certificate."
ANOTHER_NAME = (
    "Use an address that the certificate names, or give one of its names as tls-server-name in the kubeconfig."
)
CASES: dict[str, tuple[Pair, Pair | None, str, str, str]] = {
    "wrong authority": (
        issue("kubernetes", AUTHORITY), STRANGER, "kubernetes", "unable to get local issuer certificate",
        ANOTHER_AUTHORITY,
    ),
    "no authority": (
        issue("kubernetes", AUTHORITY), None, "kubernetes", "unable to get local issuer certificate", ANOTHER_AUTHORITY,
    ),
    "self-signed": (issue("kubernetes"), AUTHORITY, "kubernetes", "self-signed certificate", ANOTHER_AUTHORITY),
    "expired": (
        issue("kubernetes", AUTHORITY, days=-1), AUTHORITY, "kubernetes", "certificate has expired",
        "Renew the certificate of the cluster's API server.",
    ),
    "not yet valid": (
        issue("kubernetes", AUTHORITY, days=3, since=1), AUTHORITY, "kubernetes", "certificate is not yet valid",
        "Set the clocks of the cluster and of Berth right, or wait until the certificate is valid.",
    ),
    "another host": (
        issue("other", AUTHORITY), AUTHORITY, "kubernetes",
        "Hostname mismatch, certificate is not valid for 'kubernetes'", ANOTHER_NAME,
    ),
    "another address": (
        issue("other", AUTHORITY), AUTHORITY, "",
        "IP address mismatch, certificate is not valid for '127.0.0.1'", ANOTHER_NAME,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_a_certificate_that_does_not_prove_it_is_refused(world: World, tmp_path: Path, name: str) -> None:
    pair, authority, server_name, why, remedy = CASES[name]
    more = {"tls-server-name": server_name} if server_name else {}
    if authority is not None:
        more["certificate-authority-data"] = base64.b64encode(authority.pem.encode()).decode()
    async with saying(http("200 OK", "{}"), serving(pair, tmp_path)) as server:
        message = f"The server's certificate was refused: {why}."
        text = kubeconfig(server.url, cluster=more)
        assert await refused_both_ways(world, text) == ("CLUSTER_REFUSED", message, remedy)
        assert server.asked == 0


async def test_the_same_server_with_the_right_certificate_is_asked(world: World, tmp_path: Path) -> None:
    authority = base64.b64encode(AUTHORITY.pem.encode()).decode()
    more = {"tls-server-name": "kubernetes", "certificate-authority-data": authority}
    async with saying(http("200 OK", "{}"), serving(issue("kubernetes", AUTHORITY), tmp_path)) as server:
        _, message, _ = await refused_both_ways(world, kubeconfig(server.url, cluster=more))
        assert (server.asked, message) == (2, "The server does not tell a Kubernetes version.")
