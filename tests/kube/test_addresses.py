"""Only public addresses, judged where the connection is made."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from kube.addresses import GuardedResolver, is_public
from kube.clients import connect
from kube.errors import AddressRefused
from kube.kubeconfig import Access


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


class Answers(AbstractResolver):
    """A resolver that answers what it is told."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_name_with_one_private_address_is_refused() -> None:
    assert len(await GuardedResolver(Answers("8.8.8.8")).resolve("a.example.com")) == 1
    with pytest.raises(AddressRefused, match=r"leads to 10\.0\.0\.1"):
        await GuardedResolver(Answers("8.8.8.8", "10.0.0.1")).resolve("a.example.com")


async def test_a_call_to_a_name_for_loopback_is_refused_when_connecting() -> None:
    async with connect(Access("http://localhost:1", token="x", allow_private=False)) as cluster:
        with pytest.raises(AddressRefused):
            await cluster.request("GET", "/version")
