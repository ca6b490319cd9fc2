"""Namespaces, apply and rollouts while the cluster or the lease fails in the middle."""

from dataclasses import replace

import pytest

from catalogue.release import Strategy
from kube import namespaces, rollout
from kube.apply import apply, prune
from kube.clients import Cluster
from kube.errors import Forbidden, LeaseLost, NamespaceTerminating, NotFound, Unreachable
from kube.labels import Identity
from kube.manifests import Need, foundation, namespace, objects, service_objects
from kube.namespaces import Holding
from kube.resources import CONFIG_MAP, DEPLOYMENT, NETWORK_POLICY
from simulator.simulator import Simulator
from tests.kube.plans import identity, plan, talk, web


@pytest.fixture
async def owner(cluster: Cluster) -> Identity:
    made = identity()
    await namespaces.create(cluster, namespace(made))
    return made


@pytest.mark.parametrize(
    ("name", "reserved"),
    [("default", True), ("kube-system", True), ("berth", True), ("berth-dev", True), ("berthold-dev", False)],
)
def test_which_names_are_reserved(name: str, reserved: bool) -> None:
    assert namespaces.is_reserved(name) is reserved


async def test_a_creation_whose_answer_was_lost_is_still_ours(simulator: Simulator, cluster: Cluster) -> None:
    simulator.fault("cut", verb="create", path="/api/v1/namespaces", times=1)
    uid = await namespaces.create(cluster, namespace(identity()))
    assert uid == await namespaces.owned_uid(cluster, "shop-dev", "installation-1", "instance-1")
    assert await namespaces.owned_uid(cluster, "shop-dev", "installation-1", "instance-2") is None
    assert await namespaces.owned_uid(cluster, "nobody", "installation-1", "instance-1") is None


async def test_a_namespace_on_its_way_out_is_not_taken_again(
    simulator: Simulator, cluster: Cluster, owner: Identity
) -> None:
    simulator.fault("hold", path="configmaps/web.app")
    await apply(cluster, service_objects(owner, web()))
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.delete(cluster, owner.namespace, uid)
    await namespaces.delete(cluster, owner.namespace, uid)
    with pytest.raises(NamespaceTerminating):
        await namespaces.create(cluster, namespace(owner))
    with pytest.raises(NamespaceTerminating):
        await apply(cluster, service_objects(owner, talk()))


async def test_a_deletion_is_followed_through_errors(simulator: Simulator, cluster: Cluster, owner: Identity) -> None:
    simulator.fault("hold", path="configmaps/web.app")
    await apply(cluster, service_objects(owner, web()))
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.delete(cluster, owner.namespace, uid)
    simulator.fault("status", verb="list", code=500, times=2)
    found: list[Holding] = []
    async for holdings in namespaces.follow_deletion(cluster, owner.namespace, uid):
        held = [holding for holding in holdings if holding.finalizers]
        if held and not found:
            found = held
            free = {"metadata": {"finalizers": None}}
            path = CONFIG_MAP.path(owner.namespace, "web.app")
            await cluster.request("PATCH", path, body=free, content_type="application/merge-patch+json")
    assert [(holding.kind, holding.name, holding.finalizers) for holding in found] == [
        ("ConfigMap", "web.app", ("simulator.example/held",))
    ]
    assert found[0].since.endswith("Z")


async def test_a_deletion_ends_when_the_name_belongs_to_another(cluster: Cluster, owner: Identity) -> None:
    other = "00000000-0000-0000-0000-000000000000"
    assert [holdings async for holdings in namespaces.follow_deletion(cluster, owner.namespace, other)] == []


async def test_an_apply_survives_a_failing_server(simulator: Simulator, cluster: Cluster, owner: Identity) -> None:
    simulator.fault("status", verb="patch", code=503, times=2)
    simulator.fault("cut", verb="patch", times=2)
    items = await apply(cluster, foundation(owner, Need()))
    assert len(items) == 6


async def test_a_refused_object_cancels_the_others_and_is_named(
    simulator: Simulator, cluster: Cluster, owner: Identity
) -> None:
    simulator.fault("deny", verb="patch", path="*/networkpolicies/berth-ingress")
    with pytest.raises(Forbidden) as refused:
        await apply(cluster, objects(owner, plan()))
    assert refused.value.details["object"] == "NetworkPolicy/berth-ingress"
    assert "berth-ingress" in refused.value.message
    with pytest.raises(NotFound):
        await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))


async def test_no_object_is_written_after_the_lease_is_lost(cluster: Cluster, owner: Identity) -> None:
    left = 3

    async def guard() -> None:
        nonlocal left
        if left == 0:
            raise LeaseLost("The lease is over.")
        left -= 1

    fenced = cluster.fenced(guard)
    with pytest.raises(LeaseLost):
        await apply(fenced, foundation(owner, Need()))
    with pytest.raises(LeaseLost):
        await namespaces.delete(fenced, owner.namespace, "any")
    made = await cluster.request("GET", NETWORK_POLICY.path(owner.namespace))
    assert len(made["items"]) <= 3
    items = await apply(cluster, foundation(owner, Need()))
    with pytest.raises(LeaseLost):
        await prune(fenced, owner.namespace, items, [])
    assert await apply(cluster, foundation(owner, Need())) == items


async def test_a_rollout_goes_on_when_its_watches_break(
    simulator: Simulator, cluster: Cluster, owner: Identity
) -> None:
    wanted = plan(web(), talk())
    await apply(cluster, objects(owner, wanted))
    steps = []
    async for step in rollout.follow(cluster, owner.namespace, wanted, deadline=20):
        steps.append((step.workload, step.ready, step.desired))
        if len(steps) == 2:
            simulator.cut("abort")
            simulator.compact()
    assert ("web", 3, 3) in steps
    assert ("talk", 1, 1) in steps


async def test_a_rollout_without_workloads_is_done_at_once(cluster: Cluster, owner: Identity) -> None:
    empty = plan(replace(web(), external=True, workloads=()))
    assert [step async for step in rollout.follow(cluster, owner.namespace, empty)] == []


async def test_a_workload_that_was_removed_fails_by_name(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, plan(web())):
            pass
    assert (failed.value.service, failed.value.code) == ("web", "WORKLOAD_MISSING")


async def test_a_rollout_that_may_not_be_watched_is_refused(
    simulator: Simulator, cluster: Cluster, owner: Identity
) -> None:
    simulator.fault("deny", path="*/pods")
    with pytest.raises(Forbidden):
        async for _ in rollout.follow(cluster, owner.namespace, plan(web())):
            pass


async def late(
    cluster: Cluster, owner: Identity, deadline: float, progress: int | None = None
) -> rollout.RolloutFailed:
    service = replace(web(1), annotations=(("simulator/ready", "never"),), endpoints=())
    workload = replace(service.workloads[0], strategy=Strategy(progress_deadline=progress))
    wanted = plan(replace(service, workloads=(workload,)))
    await apply(cluster, objects(owner, wanted))
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, wanted, deadline=deadline):
            pass
    return failed.value


async def test_a_rollout_that_is_never_ready_ends_at_its_deadline_with_lines(cluster: Cluster, owner: Identity) -> None:
    failed = await late(cluster, owner, 0.3)
    assert (failed.code, failed.message) == (
        "ROLLOUT_TIMED_OUT",
        "web did not become ready in time: 0 of 1 replicas are.",
    )
    assert failed.evidence[0] == "web: starting"


async def test_a_progress_deadline_of_the_workload_ends_it_sooner(cluster: Cluster, owner: Identity) -> None:
    failed = await late(cluster, owner, 20, progress=1)
    assert failed.code == "PROGRESS_DEADLINE"


async def test_an_unreachable_cluster_is_an_error_of_the_operation(
    owner: Identity, simulator: Simulator, cluster: Cluster
) -> None:
    simulator.fault("refuse")
    with pytest.raises(Unreachable):
        await apply(cluster, foundation(owner, Need()))
