"""`python -m tests.machine.names KUBECONFIG ADDRESS`: the names of Services, answered by asking the API server.

As CoreDNS answers in any cluster: a Service's cluster address, or, of a headless one, its pods' addresses, and the
address of one pod of a stateful set (RFC 1035; Kubernetes' DNS specification 1.1.0, sections 2.3 and 2.4).
"""

import asyncio
import socket
import struct
import sys
from pathlib import Path
from typing import cast

from kube.clients import Cluster, connect
from kube.errors import NotFound
from kube.kubeconfig import Access, embed, read

_DOMAIN = ["svc", "cluster", "local"]
_LIVES = 2
_ANSWERED, _NO_SUCH_NAME = 0x8580, 0x8583
_ADDRESS_RECORD = 1


class Names(asyncio.DatagramProtocol):
    """Answers each question in a task of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, client: tuple[str, int]) -> None:
        labels, kind, end = _question(data)
        known = await addresses(self._cluster, labels)
        found = known if known and kind == _ADDRESS_RECORD else []
        said = _ANSWERED if known else _NO_SUCH_NAME
        header = data[:2] + struct.pack("!HHHHH", said, 1, len(found), 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", _ADDRESS_RECORD, 1, _LIVES, 4)
        self._transport.sendto(header + data[12:end] + b"".join(record + socket.inet_aton(a) for a in found), client)


def _question(data: bytes) -> tuple[list[str], int, int]:
    """Its labels, its type, and where it ends."""
    at, labels = 12, []
    while size := data[at]:
        labels.append(data[at + 1 : at + 1 + size].decode().lower())
        at += 1 + size
    return labels, struct.unpack("!H", data[at + 1 : at + 3])[0], at + 5


async def addresses(cluster: Cluster, labels: list[str]) -> list[str]:
    """What a name stands for; empty for one that is none of a Service or its pods."""
    if labels[-3:] != _DOMAIN or len(labels) not in (5, 6):
        return []
    *pod, service, namespace = labels[:-3]
    try:
        found = await cluster.request("GET", f"/api/v1/namespaces/{namespace}/services/{service}")
    except NotFound:
        return []
    if found["spec"]["clusterIP"] != "None":
        return [] if pod else [found["spec"]["clusterIP"]]
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    slices = await cluster.request("GET", path, query={"labelSelector": f"kubernetes.io/service-name={service}"})
    ends = [end for one in slices["items"] for end in one.get("endpoints") or []]
    return [address for end in ends if not pod or [end.get("hostname")] == pod for address in end["addresses"]]


async def serve(access: Access, address: str) -> None:
    """Answers on port 53 of an address until it is ended."""
    async with connect(access) as cluster:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: Names(cluster), local_addr=(address, 53))
        await asyncio.Event().wait()


if __name__ == "__main__":
    file = Path(sys.argv[1])
    asyncio.run(serve(read(embed(file.read_text(), file.parent), allow_private=True), sys.argv[2]))
