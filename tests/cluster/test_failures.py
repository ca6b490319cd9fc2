"""Rollouts that fail, each by its name."""

from dataclasses import replace
from typing import Any

import pytest

from catalogue.release import Resources
from kube import rollout
from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity
from kube.manifests import Need, foundation, objects
from kube.resources import RESOURCE_QUOTA
from tests.cluster.conftest import REAL
from tests.cluster.rollouts import failure, roll_out
from tests.kit.waiting import until
from tests.kube.plans import plan, talk, web

CRASH = (("simulator/crash", "3"), ("simulator/after", "0"), ("simulator/last", "dying\nbadly"))


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


async def test_a_crash_of_what_no_probe_looks_at_is_no_success(cluster: Cluster, owner: Identity) -> None:
    service = replace(talk(1, args=("exit 3",)), annotations=CRASH)
    failed = await failure(cluster, owner, plan(service))
    assert (failed.service, failed.code) == ("talk", "CRASH_LOOP")


async def test_pods_that_no_node_takes_fail_by_name(cluster: Cluster, owner: Identity) -> None:
    service = replace(web(1, resources=Resources(100_000)), annotations=(("simulator/unschedulable", "no cpu"),))
    failed = await failure(cluster, owner, plan(service), patience=0)
    assert (failed.service, failed.code) == ("web", "UNSCHEDULABLE")


@pytest.mark.parametrize("service", [web(), talk()], ids=["deployment", "statefulset"])
async def test_a_full_quota_fails_by_name(cluster: Cluster, owner: Identity, service: Any) -> None:
    wanted = plan(service)
    made = [m for m in objects(owner, wanted) if m["kind"] != "ResourceQuota"]
    quota = foundation(owner, Need())[0] | {"spec": {"hard": {"pods": "0"}}}
    await apply(cluster, [quota])

    async def enforced() -> bool:
        found = await cluster.request("GET", RESOURCE_QUOTA.path(owner.namespace, "berth"))
        return bool(found.get("status", {}).get("hard") == {"pods": "0"})

    await until(enforced, True)
    await apply(cluster, made)
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, wanted, patience=0):
            pass
    assert failed.value.code == "QUOTA_EXCEEDED"


async def test_a_stateful_set_that_hangs_on_a_broken_pod_can_be_given_back(cluster: Cluster, owner: Identity) -> None:
    good, broken = plan(talk(2)), plan(talk(2, image="registry.local/nope:1"))
    await roll_out(cluster, owner, good)
    assert (await failure(cluster, owner, broken)).code == "IMAGE_PULL_FAILED"
    back = {"talk": objects(owner, good)}
    await apply(cluster, back["talk"])
    followed = rollout.follow_objects(cluster, owner.namespace, back, deadline=60)
    assert [(step.ready, step.desired) async for step in followed][-1] == (2, 2)


async def test_a_probe_that_fails_is_named(cluster: Cluster, owner: Identity) -> None:
    deaf = replace(web(1, args=("sleep 1000",)), annotations=(("simulator/ready", "never"),))
    failed = await failure(cluster, owner, plan(deaf), deadline=20 if REAL else 5)
    assert failed.code == "PROBE_FAILED"
    assert "0 of 1 replicas are. Readiness probe failed: dial tcp" in failed.message
    assert any(line.startswith("Unhealthy: Readiness probe failed") for line in failed.evidence)


@pytest.mark.parametrize("probe", ["liveness", "startup"])
async def test_a_probe_that_ends_its_container_is_named(cluster: Cluster, owner: Identity, probe: str) -> None:
    """Berth makes none of these; what changes pods on their way into a cluster may."""
    deaf = plan(replace(web(1, args=("sleep 1000",)), annotations=(("simulator/ready", "never"),)))
    made = objects(owner, deaf)
    container = made[-1]["spec"]["template"]["spec"]["containers"][0]
    container[f"{probe}Probe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    await apply(cluster, made)
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, deaf, deadline=20 if REAL else 5):
            pass
    assert failed.value.code == "PROBE_FAILED"
    assert f"{probe.capitalize()} probe failed: dial tcp" in failed.value.message
    assert any(line.startswith(f"Unhealthy: {probe.capitalize()} probe failed") for line in failed.value.evidence)
