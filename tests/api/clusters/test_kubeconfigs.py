"""Kubeconfigs that are more than data, or less: refused with their place, and nothing is asked, run, read or kept."""

import base64
from typing import Any

import pytest

from settings import settings
from tests.api.clusters.registering import kubeconfig, refused, refused_both_ways
from tests.kit.impostors import silent
from tests.kit.makers import World

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").decode()
DATA_ONLY = "Give a kubeconfig with data only; `berth cluster credentials` makes one."
OF_USERS: dict[str, tuple[dict[str, Any], str]] = {
    "exec": ({"exec": {"command": "touch", "args": ["/tmp/ran"]}}, "runs a program (exec)"),
    "auth provider": ({"auth-provider": {"name": "gcp"}}, "runs a program (auth-provider)"),
    "token file": ({"tokenFile": "/etc/passwd"}, "names a file (tokenFile)"),
    "certificate file": ({"client-certificate": "/a"}, "names a file (client-certificate)"),
    "key file": ({"client-key": "/a"}, "names a file (client-key)"),
    "password": ({"username": "ada", "password": "x"}, "uses a password, which Kubernetes no longer knows (username)"),
    "impersonation": ({"as": "root"}, "acts as another user (as)"),
}
OF_CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "authority file": ({"certificate-authority": "/ca.crt"}, "names a file (certificate-authority)"),
    "insecure": (
        {"insecure-skip-tls-verify": True},
        "turns off the check of the server's certificate (insecure-skip-tls-verify)",
    ),
    "proxy": ({"proxy-url": "http://proxy.example.com"}, "sends the connection through a proxy (proxy-url)"),
}


def place(field: dict[str, Any], of: str) -> str:
    return f"It stands at {of}[0].{of.removesuffix('s')}.{next(iter(field))}."


@pytest.mark.parametrize("name", OF_USERS)
async def test_a_user_that_is_more_than_a_secret_is_refused(world: World, name: str) -> None:
    more, why = OF_USERS[name]
    async with silent() as nobody:
        message = f"The kubeconfig {why}. {place(more, 'users')}"
        refusal = ("CLUSTER_REFUSED", message, DATA_ONLY)
        assert await refused_both_ways(world, kubeconfig(nobody.url, **more)) == refusal
        assert nobody.asked == 0


@pytest.mark.parametrize("name", OF_CLUSTERS)
async def test_a_cluster_that_is_more_than_an_address_is_refused(world: World, name: str) -> None:
    more, why = OF_CLUSTERS[name]
    message = f"The kubeconfig {why}. {place(more, 'clusters')}"
    refusal = ("CLUSTER_REFUSED", message, DATA_ONLY)
    assert await refused_both_ways(world, kubeconfig("https://k8s.example.com", cluster=more)) == refusal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The kubeconfig is not a YAML mapping."),
        ("a: [", "The kubeconfig is not valid YAML at line 2."),
        ("a: &x 1\nb: *x", "The kubeconfig uses a YAML alias, which no kubeconfig needs."),
        ("[" * 5000, "The kubeconfig is nested too deeply."),
        ("x" * (256 * 1024 + 1), "The kubeconfig is larger than 256 KiB."),
        ("kind: Config", "The kubeconfig's context is missing: current-context does not name one of its contexts."),
    ],
)
async def test_a_text_that_is_no_kubeconfig_is_refused(world: World, text: str, message: str) -> None:
    code, said, _ = await refused_both_ways(world, text)
    assert code == "CLUSTER_REFUSED"
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"token": None}, "The kubeconfig holds neither a token nor a client certificate."),
        ({"client-certificate-data": PEM}, "A client certificate needs its key, and a key its certificate."),
        ({"client-certificate-data": PEM, "client-key-data": PEM}, "The client certificate and its key do not fit"),
        ({"token": "a\r\nX-Injected: b"}, "The token holds characters that no token has."),
    ],
)
async def test_credentials_that_are_none_are_refused(world: World, user: dict[str, Any], message: str) -> None:
    code, said, _ = await refused_both_ways(world, kubeconfig("https://127.0.0.1:1", **user))
    assert code == "CLUSTER_REFUSED"
    assert said.startswith(message)


HOSTS = [
    "127.0.0.1", "localhost", "localhost.", "0.0.0.0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "[fd00::1]", "[fe80::1]", "224.0.0.1", "[64:ff9b::7f00:1]",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
async def test_a_private_address_is_refused_before_anything_is_sent(
    world: World, private_addresses: pytest.MonkeyPatch, host: str
) -> None:
    private_addresses.setenv("BERTH_ALLOW_PRIVATE_CLUSTERS", "false")
    settings.cache_clear()
    async with silent() as nobody:
        port = nobody.url.rpartition(":")[2]
        code, message, remedy = await refused_both_ways(world, kubeconfig(f"https://{host}:{port}"))
        assert (code, nobody.connected) == ("CLUSTER_REFUSED", 0)
    assert "not a public address" in message
    assert remedy == "Use the cluster's public address, or let the operator set BERTH_ALLOW_PRIVATE_CLUSTERS."


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
async def test_an_address_in_disguise_is_refused(world: World, host: str) -> None:
    async with silent() as nobody:
        code, message, _ = await refused_both_ways(world, kubeconfig(nobody.url.replace("127.0.0.1", host)))
        assert (code, nobody.connected) == ("CLUSTER_REFUSED", 0)
    assert message.startswith(f"{host} is not an address as it is usually written.")


async def test_plain_http_is_refused_unless_private_addresses_are_allowed(
    world: World, private_addresses: pytest.MonkeyPatch
) -> None:
    private_addresses.setenv("BERTH_ALLOW_PRIVATE_CLUSTERS", "false")
    settings.cache_clear()
    problem = await refused(world, kubeconfig("http://k8s.example.com"))
    assert problem["message"] == (
        "server is plain http, which would show the credentials to the network. "
        "It stands at clusters[0].cluster.server."
    )
