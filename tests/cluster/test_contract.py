"""What Berth relies on in any cluster: the simulator passes what a real one passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from catalogue.release import InstancePlan, Resources
from kube import namespaces, rollout
from kube.apply import Item, apply, prune
from kube.check import check
from kube.clients import APPLY, MERGE, Cluster
from kube.errors import AlreadyExists, Conflict, Invalid, NamespaceForeign, NotFound
from kube.labels import MANAGED, Identity
from kube.manifests import foundation, holdings, namespace, objects, running
from kube.resources import CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD, RESOURCE_QUOTA, SECRET
from kube.watch import follow
from tests.kube.plans import plan, talk, web, with_volume

CRASH = (("simulator/crash", "3"), ("simulator/after", "0"), ("simulator/last", "dying\nbadly"))


async def roll_out(
    cluster: Cluster, owner: Identity, wanted: InstancePlan, **options: Any
) -> list[tuple[str, int, int]]:
    """Applies the plan and follows it; (workload, ready, desired) of each step."""
    await apply(cluster, objects(owner, wanted))
    told = rollout.follow(cluster, owner.namespace, wanted, **options)
    return [(step.workload, step.ready, step.desired) async for step in told]


async def failure(cluster: Cluster, owner: Identity, wanted: InstancePlan, **options: Any) -> rollout.RolloutFailed:
    with pytest.raises(rollout.RolloutFailed) as failed:
        await roll_out(cluster, owner, wanted, **options)
    return failed.value


async def test_the_cluster_can_be_worked_with(cluster: Cluster) -> None:
    report = await check(cluster)
    assert report.passed
    assert report.uid == await namespaces.uid(cluster, "kube-system")


async def test_every_object_is_taken_by_the_server(cluster: Cluster, owner: Identity) -> None:
    made = objects(owner, plan(with_volume(web()), talk()))
    items = await apply(cluster, made)
    assert sorted((item.kind, item.name) for item in items) == sorted((m["kind"], m["metadata"]["name"]) for m in made)
    assert await apply(cluster, made) == items


async def test_a_dry_run_changes_nothing(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, foundation(owner), dry_run=True)
    with pytest.raises(NotFound):
        await cluster.request("GET", RESOURCE_QUOTA.path(owner.namespace, "berth"))


async def test_an_own_namespace_is_accepted_again_and_a_foreign_one_refused(cluster: Cluster, owner: Identity) -> None:
    assert await namespaces.create(cluster, namespace(owner)) == await namespaces.uid(cluster, owner.namespace)
    for other in (replace(owner, instance_id="instance-2"), replace(owner, installation="installation-2")):
        with pytest.raises(NamespaceForeign):
            await namespaces.create(cluster, namespace(other))
    with pytest.raises(NamespaceForeign):
        await namespaces.create(cluster, namespace(replace(owner, namespace="kube-system")))


async def test_a_namespace_is_deleted_by_its_uid_only(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(NamespaceForeign):
        await namespaces.delete(cluster, owner.namespace, "00000000-0000-0000-0000-000000000000")
    await namespaces.delete(cluster, "nobody-made-this", "00000000-0000-0000-0000-000000000000")
    assert await namespaces.uid(cluster, owner.namespace) is not None


async def test_what_holds_a_namespace_up_is_shown_until_it_goes(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, holdings(owner, web()))
    path = CONFIG_MAP.path(owner.namespace, "web.app")
    held = {"metadata": {"finalizers": ["example.dev/hold"]}}
    await cluster.request("PATCH", path, body=held, content_type=MERGE)
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.delete(cluster, owner.namespace, uid)
    seen: list[tuple[str, str, tuple[str, ...]]] = []
    async for holdings_ in namespaces.follow_deletion(cluster, owner.namespace, uid):
        mine = [(h.kind, h.name, h.finalizers) for h in holdings_ if h.finalizers]
        if mine and not seen:
            seen = mine
            freed = {"metadata": {"finalizers": None}}
            await cluster.request("PATCH", path, body=freed, content_type=MERGE)
    assert seen == [("ConfigMap", "web.app", ("example.dev/hold",))]
    assert await namespaces.uid(cluster, owner.namespace) is None


async def test_a_conflict_names_the_owner_and_force_takes_over(cluster: Cluster, owner: Identity) -> None:
    made = holdings(owner, web())[1]
    theirs = {**made, "data": {"app.conf": "theirs\n"}}
    query = {"fieldManager": "somebody"}
    path = CONFIG_MAP.path(owner.namespace, "web.app")
    await cluster.request("PATCH", path, query=query, body=theirs, content_type=APPLY)
    with pytest.raises(Conflict) as refused:
        await apply(cluster, [made])
    assert refused.value.details["object"] == "ConfigMap/web.app"
    assert [(o["manager"], o["field"]) for o in refused.value.owners] == [("somebody", ".data.app.conf")]
    await apply(cluster, [made], force=True)
    assert (await cluster.request("GET", path))["data"] == {"app.conf": "hello\n"}


async def test_a_variable_that_is_taken_out_leaves_its_secret(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, holdings(owner, web()))
    less = web(env=(replace(web().workloads[0].containers[0].env[1], name="OTHER"),))
    await apply(cluster, holdings(owner, less))
    found = await cluster.request("GET", SECRET.path(owner.namespace, "web.web.env"))
    assert sorted(found["data"]) == ["OTHER"]


async def test_what_is_not_in_the_new_inventory_is_pruned_but_claims_stay(cluster: Cluster, owner: Identity) -> None:
    everything = await apply(cluster, [*holdings(owner, with_volume(web())), *running(owner, with_volume(web(1)))])
    assert await prune(cluster, owner.namespace, everything, everything) == []
    gone = await prune(cluster, owner.namespace, everything, [])
    assert [(item.kind, item.name) for item in gone] == [
        ("Deployment", "web"),
        ("Service", "web"),
        ("ConfigMap", "web.app"),
        ("ConfigMap", "web.web.env"),
        ("Secret", "web.web.env"),
    ]
    with pytest.raises(NotFound):
        await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))
    assert [i.kind for i in await prune(cluster, owner.namespace, everything, [], claims=True)] == [
        "PersistentVolumeClaim"
    ]


async def test_an_object_made_anew_by_somebody_is_not_pruned(cluster: Cluster, owner: Identity) -> None:
    items = await apply(cluster, holdings(owner, talk()) + holdings(owner, web()))
    old = [Item(item.kind, item.name, "00000000-0000-0000-0000-000000000000") for item in items]
    assert await prune(cluster, owner.namespace, old, []) == []


async def test_a_wrong_object_is_refused_with_its_name_and_field(cluster: Cluster, owner: Identity) -> None:
    deployment = running(owner, web(image=""))[-1]
    with pytest.raises(Invalid) as refused:
        await apply(cluster, [deployment])
    assert refused.value.details["object"] == "Deployment/web"
    assert refused.value.details["causes"][0]["field"] == "spec.template.spec.containers[0].image"


async def test_a_name_that_is_taken_is_said_so(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(AlreadyExists):
        await cluster.request("POST", NAMESPACE.path(), body=namespace(owner))


async def test_a_rollout_is_told_in_numbers_to_its_end(cluster: Cluster, owner: Identity) -> None:
    steps = await roll_out(cluster, owner, plan())
    assert steps[-1][1] == steps[-1][2]
    assert {step[:2] for step in steps} >= {("web", 3), ("talk", 1)}
    assert await roll_out(cluster, owner, plan()) == [("web", 3, 3), ("talk", 1, 1)]


async def test_the_strategy_can_be_changed_there_and_back(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, running(owner, web()))
    await apply(cluster, running(owner, with_volume(web())))
    found = await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))
    assert found["spec"]["strategy"] == {"type": "Recreate"}
    await apply(cluster, running(owner, web()))


async def test_an_image_that_cannot_be_pulled_fails_by_name_and_can_be_put_right(
    cluster: Cluster, owner: Identity
) -> None:
    failed = await failure(cluster, owner, plan(web(image="registry.local/nope:1")))
    assert (failed.service, failed.code) == ("web", "IMAGE_PULL_FAILED")
    assert "registry.local/nope:1" in failed.message
    assert failed.evidence != []
    assert (await roll_out(cluster, owner, plan(web())))[-1] == ("web", 3, 3)


async def test_a_crash_fails_by_name_with_its_last_lines(cluster: Cluster, owner: Identity) -> None:
    service = replace(web(1, args=("echo dying; echo badly; exit 3",)), annotations=CRASH)
    failed = await failure(cluster, owner, plan(service))
    assert (failed.service, failed.code) == ("web", "CRASH_LOOP")
    assert failed.message == "The container web crashes again and again with exit code 3."
    assert [line for line in failed.evidence if line in ("dying", "badly")] == ["dying", "badly"]


async def test_pods_that_no_node_takes_fail_by_name(cluster: Cluster, owner: Identity) -> None:
    service = replace(web(1, resources=Resources(900_000)), annotations=(("simulator/unschedulable", "no cpu"),))
    failed = await failure(cluster, owner, plan(service), patience=0)
    assert (failed.service, failed.code) == ("web", "UNSCHEDULABLE")


@pytest.mark.parametrize("service", [web(), talk()], ids=["deployment", "statefulset"])
async def test_a_full_quota_fails_by_name(cluster: Cluster, owner: Identity, service: Any) -> None:
    wanted = plan(service)
    made = [m for m in objects(owner, wanted) if m["kind"] != "ResourceQuota"]
    quota = foundation(owner)[0] | {"spec": {"hard": {"pods": "0"}}}
    await apply(cluster, [quota])

    async def enforced() -> bool:
        found = await cluster.request("GET", RESOURCE_QUOTA.path(owner.namespace, "berth"))
        return bool(found.get("status", {}).get("hard") == {"pods": "0"})

    await until(enforced)
    await apply(cluster, made)
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, wanted, patience=0):
            pass
    assert failed.value.code == "QUOTA_EXCEEDED"


async def until(true: Any) -> None:
    """Waits for a condition that only the cluster itself can bring about."""
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.02)


async def test_a_collection_is_followed_from_what_is_there(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, running(owner, web()))
    path = DEPLOYMENT.path(owner.namespace, "web")
    seen: list[str] = []
    stream = follow(cluster, DEPLOYMENT, namespace=owner.namespace, labels=MANAGED)
    async with asyncio.timeout(20), aclosing(stream) as changes:
        async for change in changes:
            marked = change.object.get("metadata", {}).get("labels", {}).get("mark") == "1"
            if change.type == "SYNCED":
                await cluster.request("PATCH", path, body={"metadata": {"labels": {"mark": "1"}}}, content_type=MERGE)
            elif change.type == "MODIFIED" and marked and "MODIFIED" not in seen:
                await cluster.request("DELETE", path)
            elif change.type == "MODIFIED":
                continue  # the controllers' own
            seen.append(change.type)
            if change.type == "DELETED":
                break
    assert seen == ["ADDED", "SYNCED", "MODIFIED", "DELETED"]


async def test_a_log_of_a_pod_that_is_not_there_is_not_found(cluster: Cluster, owner: Identity) -> None:
    async def read() -> AsyncIterator[bytes]:
        async with cluster.stream(POD.path(owner.namespace, "nobody", "log")) as response:
            yield await response.content.read()

    with pytest.raises(NotFound):
        await anext(read())
