"""The API server restarts: what Berth has open goes on, and what it was told meanwhile is not lost."""

import asyncio
from contextlib import aclosing

import pytest

from kube import rollout
from kube.apply import apply
from kube.clients import MERGE, Cluster
from kube.errors import Gone
from kube.labels import Identity
from kube.log_records import Line, Source, Standing
from kube.manifests import objects
from kube.resources import CONFIG_MAP, POD
from kube.tail import Tail
from kube.watch import follow
from tests.cluster.conftest import Compact, Restart
from tests.cluster.pods import Object, Script, start, state
from tests.cluster.watching import watching
from tests.kube.plans import plan, web

OURS = "mark=ours"


async def make(cluster: Cluster, owner: Identity, name: str) -> Object:
    body = {"metadata": {"name": name, "labels": {"mark": "ours"}}}
    return await cluster.request("POST", CONFIG_MAP.path(owner.namespace), body=body)


async def test_what_was_written_is_there_and_requests_go_on(
    cluster: Cluster, owner: Identity, restart: Restart
) -> None:
    made = await make(cluster, owner, "a")
    await restart()
    found = await cluster.request("GET", CONFIG_MAP.path(owner.namespace, "a"))
    assert (found["metadata"]["uid"], found["metadata"]["resourceVersion"]) == (
        made["metadata"]["uid"], made["metadata"]["resourceVersion"],
    )  # fmt: skip
    body = {"metadata": {"labels": {"again": "1"}}}
    changed = await cluster.request("PATCH", CONFIG_MAP.path(owner.namespace, "a"), body=body, content_type=MERGE)
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


async def test_a_followed_collection_tells_what_happened_around_a_restart(
    cluster: Cluster, owner: Identity, restart: Restart
) -> None:
    path = CONFIG_MAP.path(owner.namespace)
    await make(cluster, owner, "a")
    await make(cluster, owner, "b")
    told: list[tuple[str, str]] = []
    restarted = False
    stream = follow(cluster, CONFIG_MAP, namespace=owner.namespace, labels=OURS)
    async with asyncio.timeout(90), aclosing(stream) as changes:
        async for change in changes:
            if change.type == "SYNCED" and not restarted:
                restarted = True
                await restart()
                await cluster.request("DELETE", f"{path}/a", repeatable=True)
                await make(cluster, owner, "c")
            elif change.type in {"ADDED", "MODIFIED", "DELETED"}:
                told.append((change.type, change.object["metadata"]["name"]))
            if {("DELETED", "a"), ("ADDED", "c")} <= set(told):
                break
    assert sorted(told) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "a")]


async def test_a_version_from_before_a_restart_is_too_old_to_watch_from(
    cluster: Cluster, owner: Identity, restart: Restart
) -> None:
    first = await make(cluster, owner, "a")
    await make(cluster, owner, "b")
    await restart()
    version = first["metadata"]["resourceVersion"]
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), resourceVersion=version) as events:
        ((kind, status),) = await events.rest()
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")


async def test_a_page_from_before_a_restart_is_gone_when_its_version_was_compacted(
    cluster: Cluster, owner: Identity, restart: Restart, compact: Compact
) -> None:
    for name in "abc":
        await make(cluster, owner, name)
    path = CONFIG_MAP.path(owner.namespace)
    first = await cluster.request("GET", path, query={"limit": 1, "labelSelector": OURS})
    await make(cluster, owner, "d")
    await compact()
    await restart()
    token = first["metadata"]["continue"]
    with pytest.raises(Gone) as refused:
        await cluster.request("GET", path, query={"limit": 1, "labelSelector": OURS, "continue": token})
    assert (refused.value.status, refused.value.reason) == (410, "Expired")


async def test_a_tail_gives_every_line_once_around_a_restart(
    cluster: Cluster, owner: Identity, restart: Restart
) -> None:
    found = await start(cluster, owner, "talker", Script(talks=10))
    meta, status = found["metadata"], found["status"]["containerStatuses"][0]
    source = Source(meta["namespace"], meta["name"], meta["uid"], "a", status["containerID"])
    standing: Standing = "RUNNING"
    lines: list[str] = []
    restarted = False
    tail = Tail(cluster, source, lambda: standing)
    async with asyncio.timeout(90), aclosing(tail.records()) as batches:
        async for batch in batches:
            assert all(isinstance(record, Line) for record in batch)
            lines += [record.message for record in batch if isinstance(record, Line)]
            if len(lines) >= 5 and not restarted:
                restarted = True
                before = len(lines)
                await restart()
            if restarted and len(lines) >= before + 20:
                break
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert "running" in state(await cluster.request("GET", POD.path(owner.namespace, "talker")))


async def test_a_rollout_goes_on_around_a_restart(cluster: Cluster, owner: Identity, restart: Restart) -> None:
    wanted = plan(web(2))
    await apply(cluster, objects(owner, wanted))
    steps: list[rollout.Progress] = []
    async with asyncio.timeout(120), aclosing(rollout.follow(cluster, owner.namespace, wanted)) as told:
        async for step in told:
            if not steps:
                await restart()
            steps.append(step)
    assert (steps[-1].ready, steps[-1].desired) == (2, 2)
