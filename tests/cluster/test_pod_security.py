"""Pod security: the strictest level that the services allow is enforced, and their pods satisfy it."""

from typing import Any, cast

import pytest

from kube import namespaces, rollout
from kube.apply import apply
from kube.clients import Cluster
from kube.errors import NamespaceForeign, NamespaceGone
from kube.labels import Identity
from kube.manifests import level_of, objects
from kube.resources import NAMESPACE, POD
from tests.kube.plans import plan, talk, web, with_volume

ENFORCED = "pod-security.kubernetes.io/enforce"
GONE = "00000000-0000-0000-0000-000000000000"
ROOTLESS: dict[str, Any] = {"user": 1000, "group": 1000}


async def uid_of(cluster: Cluster, owner: Identity) -> str:
    found = await namespaces.uid(cluster, owner.namespace)
    assert found is not None
    return found


async def enforced(cluster: Cluster, owner: Identity) -> str:
    found = await cluster.request("GET", NAMESPACE.path(name=owner.namespace))
    level: str = found["metadata"]["labels"][ENFORCED]
    return level


async def test_services_that_name_their_users_run_under_the_level_restricted(cluster: Cluster, owner: Identity) -> None:
    wanted = plan(web(2, **ROOTLESS), with_volume(talk(**ROOTLESS)))
    assert level_of(wanted) == "restricted"
    await namespaces.enforce(cluster, owner.namespace, await uid_of(cluster, owner), "restricted")
    await apply(cluster, objects(owner, wanted))
    ready = {}
    async for step in rollout.follow(cluster, owner.namespace, wanted, deadline=60):
        ready[step.workload] = step.ready
    assert ready == {"web": 2, "talk": 1}
    pods = (await cluster.request("GET", POD.path(owner.namespace)))["items"]
    assert {pod["spec"]["containers"][0]["securityContext"]["runAsUser"] for pod in pods} == {1000}


async def test_a_service_that_may_start_as_root_needs_the_level_baseline(cluster: Cluster, owner: Identity) -> None:
    wanted = plan(web(1), talk(**ROOTLESS))
    assert (wanted.rooted, level_of(wanted)) == (("web",), "baseline")
    uid = await uid_of(cluster, owner)
    await namespaces.enforce(cluster, owner.namespace, uid, "restricted")
    await apply(cluster, objects(owner, wanted))
    with pytest.raises(rollout.RolloutFailed) as failed:
        async for _ in rollout.follow(cluster, owner.namespace, wanted, patience=0, deadline=60):
            pass
    assert (failed.value.service, failed.value.code) == ("web", "POLICY_DENIED")
    assert "restricted:latest" in failed.value.message


async def test_a_namespaces_level_follows_and_nothing_else_of_it_changes(cluster: Cluster, owner: Identity) -> None:
    uid = await uid_of(cluster, owner)
    before = await cluster.request("GET", NAMESPACE.path(name=owner.namespace))
    assert not await namespaces.enforce(cluster, owner.namespace, uid, "baseline")
    assert await namespaces.enforce(cluster, owner.namespace, uid, "restricted")
    assert not await namespaces.enforce(cluster, owner.namespace, uid, "restricted")
    assert await enforced(cluster, owner) == "restricted"
    assert await namespaces.enforce(cluster, owner.namespace, uid, "baseline")
    after = await cluster.request("GET", NAMESPACE.path(name=owner.namespace))
    for one in (before, after):
        del one["metadata"]["resourceVersion"], one["metadata"]["managedFields"]
    assert after == before


async def test_the_level_of_another_namespace_of_the_name_is_never_touched(cluster: Cluster, owner: Identity) -> None:
    uid = await uid_of(cluster, owner)
    with pytest.raises(NamespaceForeign):
        await namespaces.enforce(cluster, owner.namespace, GONE, "restricted")
    with pytest.raises(NamespaceGone):
        await namespaces.enforce(cluster, f"{owner.namespace}-none", uid, "restricted")
    assert await enforced(cluster, owner) == "baseline"


class Stale:
    """The cluster as it was when it was read: the namespace has another UID by the time of the patch."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def request(self, method: Any, path: str, **more: Any) -> dict[str, Any]:
        answer = await self._cluster.request(method, path, **more)
        return {"metadata": {**answer["metadata"], "uid": GONE}} if method == "GET" else answer


async def test_a_namespace_that_became_another_meanwhile_is_left_alone(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(NamespaceForeign):
        await namespaces.enforce(cast("Cluster", Stale(cluster)), owner.namespace, GONE, "restricted")
    assert await enforced(cluster, owner) == "baseline"
