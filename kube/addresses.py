"""Which addresses a cluster may have: public ones, unless the operator allows others."""

import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from kube.errors import AddressRefused

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether a literal IP address is a public unicast one; IPv4 inside IPv6 is judged as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def is_literal(host: str) -> bool:
    """Whether the host is an IP address and not a name; what only resembles one is resolved, and judged then."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_odd(host: str) -> bool:
    """Whether the host is an IPv4 address in one of the ways of writing it that the C library knows and people do not:
    `127.1`, `2130706433`, `0x7f000001`."""
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        return False
    return not is_literal(host)


class GuardedResolver(AbstractResolver):
    """Resolves names for the connector and refuses those that lead to an address which is not public.

    It stands where the connection is made, so a name that changes between two look-ups wins nothing.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if not is_public(result["host"]):
                raise AddressRefused(f"{host} leads to {result['host']}, which is not a public address.")
        return found

    async def close(self) -> None:
        await self._inner.close()


def keepalive_socket(address: Any) -> socket.socket:
    """A socket that notices a dead peer in about a minute: log streams have no heartbeat of their own."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
