"""Logs that are followed: through restarts and deletions, to a clean end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

import aiohttp

from kube.clients import Cluster, Query
from kube.labels import Identity
from kube.log_records import Gap, Line, Source, Standing
from kube.pods import ContainerEvent, Containers
from kube.resources import POD
from kube.tail import Tail
from tests.cluster.pods import Object, Script, gone, log, pod, restarts, seen, start, state

MANAGED = {"app.kubernetes.io/managed-by": "berth", "berth.dev/service": "web"}


async def some(answer: aiohttp.ClientResponse, wanted: bytes) -> bytes:
    """The stream until this has come in it."""
    found = b""
    while wanted not in found:
        found += await answer.content.readany()
        assert not answer.content.at_eof(), found
    return found


async def test_a_follower_hears_what_was_said_and_what_is_said(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker", Script(says="hello\\n", talks=5))
    path = POD.path(owner.namespace, "talker", "log")
    async with asyncio.timeout(20), cluster.stream(path, query={"follow": True}) as answer:
        assert (await some(answer, b"line 3\n")).startswith(b"hello\nline 1\nline 2\n")


async def test_a_follower_of_an_ended_container_ends_at_once(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "done", Script(says="all\\n", ends=0), restartPolicy="Never")
    async with asyncio.timeout(20):
        assert await log(cluster, owner, "done", follow=True) == b"all\n"


async def test_a_follower_ends_cleanly_with_the_run_it_began_with(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "again", Script(says="up\\n", ends=1, after=2))
    async with asyncio.timeout(20):
        assert await log(cluster, owner, "again", follow=True) == b"up\n"
    await seen(cluster, owner, POD, "again", lambda found: restarts(found) == 1)


async def test_a_follower_ends_cleanly_when_its_pod_is_deleted(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "leaving", Script(says="here\\n", talks=5))
    path = POD.path(owner.namespace, "leaving", "log")
    async with asyncio.timeout(30), cluster.stream(path, query={"follow": True}) as answer:
        await some(answer, b"line 2\n")
        await cluster.request("DELETE", POD.path(owner.namespace, "leaving"))
        rest = await answer.content.read()
    assert rest == b"" or rest.endswith(b"\n")
    await gone(cluster, owner, POD, "leaving")


async def test_a_follower_may_begin_with_the_next_line(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker", Script(says="past\\n", talks=2))
    path = POD.path(owner.namespace, "talker", "log")
    async with asyncio.timeout(20), cluster.stream(path, query={"follow": True, "tailLines": 0}) as answer:
        assert b"past" not in await some(answer, b"line ")


async def test_a_tail_gives_every_line_once_through_broken_connections(cluster: Cluster, owner: Identity) -> None:
    found = await start(cluster, owner, "talker", Script(talks=20, ends=0, after=4), restartPolicy="Never")
    meta = found["metadata"]
    source = Source(meta["namespace"], meta["name"], meta["uid"], "a", _id(found))
    standing: Standing = "RUNNING"
    connections = 0

    async def pause(_: float) -> None:
        """Is called between two connections."""
        nonlocal connections, standing
        connections += 1
        ended = state(await cluster.request("GET", POD.path(owner.namespace, "talker")))
        standing = "ENDED" if "terminated" in ended else "RUNNING"

    lines: list[Line] = []
    breaking = _Breaking(cluster)
    tail = Tail(breaking, source, lambda: standing, sleep=pause)
    async with asyncio.timeout(60), aclosing(tail.records()) as batches:
        async for batch in batches:
            assert not any(isinstance(record, Gap) for record in batch)
            lines += [record for record in batch if isinstance(record, Line)]
    numbers = [int(line.message.removeprefix("line ")) for line in lines]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20
    assert connections >= 3
    assert all(before.ns <= after.ns for before, after in pairwise(lines))


async def test_the_containers_of_a_namespace_are_told_as_they_come_restart_and_go(
    cluster: Cluster, owner: Identity
) -> None:
    body = pod(owner, "again", Script(says="up\\n", ends=3, after=2), inits=(Script(says="first\\n", ends=0),))
    body["metadata"]["labels"] = MANAGED
    told: list[ContainerEvent] = []
    containers = Containers(cluster, owner.namespace)
    async with asyncio.timeout(60), aclosing(containers.events()) as events:
        async for event in events:
            told.append(event)
            if event.type == "SYNCED":
                await cluster.request("POST", POD.path(owner.namespace), body=body)
            if event.type == "RESTARTED":
                await cluster.request("DELETE", POD.path(owner.namespace, "again"))
            if len([one for one in told if one.type == "LEFT"]) == 2:
                break
    shown = [(one.type, one.source and one.source.container) for one in told]
    assert [one for one in shown if one[0] in {"JOINED", "RESTARTED"}] == [
        ("JOINED", "x"), ("JOINED", "a"), ("RESTARTED", "a"),
    ]  # fmt: skip
    restarted = next(one for one in told if one.type == "RESTARTED")
    assert (restarted.reason, restarted.exit_code, restarted.restarts, restarted.fresh) == ("Error", 3, 1, True)


def _id(found: Object) -> str:
    return str(found["status"]["containerStatuses"][0]["containerID"])


class _Breaking(Cluster):
    """A cluster whose streams are all dropped within a second."""

    def __init__(self, cluster: Cluster) -> None:
        self._whole = cluster
        self.pace = cluster.pace

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Query | None = None, silence: float | None = 90.0, accept: str = "application/json"
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._whole.stream(path, query=query, silence=silence, accept=accept) as response:
            timer = asyncio.get_running_loop().call_later(0.7, response.close)
            try:
                yield response
            finally:
                timer.cancel()
