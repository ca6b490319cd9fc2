"""The test of a cluster says what is wrong and what to do, and changes nothing."""

import pytest
from aiohttp import web

from kube.check import Check, check
from kube.clients import Cluster, connect
from kube.errors import Forbidden, NotKubernetes, Unauthorized
from kube.kubeconfig import Access
from simulator.kinds import STORAGE_CLASSES
from simulator.simulator import Simulator
from tests.kube.serving import served


async def test_a_good_cluster_passes_and_is_known_by_its_uid(simulator: Simulator, cluster: Cluster) -> None:
    before = simulator.store.version
    report = await check(cluster)
    assert report.passed
    assert report.version == "1.34.0"
    assert [(found.name, found.passed) for found in report.checks] == [
        ("version", True),
        ("permissions", True),
        ("storage", True),
    ]
    assert simulator.store.version == before
    assert (await check(cluster)).uid == report.uid
    assert simulator.become_another() == (await check(cluster)).uid != report.uid


async def test_a_cluster_that_is_too_old_is_told_the_oldest_version(simulator: Simulator, cluster: Cluster) -> None:
    simulator.state.release = "v1.28.9"
    report = await check(cluster)
    assert not report.passed
    assert report.checks[0] == Check(
        "version", False, "The cluster runs Kubernetes 1.28.9, and Berth needs 1.29 or newer.", "Upgrade the cluster."
    )


async def test_missing_rights_are_named(simulator: Simulator, cluster: Cluster) -> None:
    simulator.fault("deny", verb="delete", path="*/namespaces*")
    simulator.fault("deny", verb="get", path="*/pods/*/log")
    report = await check(cluster)
    assert not report.passed
    permissions = report.checks[1]
    assert not permissions.passed
    assert "delete namespaces" in permissions.message
    assert permissions.remedy != ""


async def test_a_missing_storage_class_is_advice(simulator: Simulator, cluster: Cluster) -> None:
    simulator.cluster.delete(STORAGE_CLASSES, "", "standard", {})
    report = await check(cluster)
    assert report.passed
    assert (report.checks[2].passed, report.checks[2].message) == (False, "The cluster has no storage class.")


async def test_what_cannot_be_looked_at_is_an_error(simulator: Simulator, cluster: Cluster) -> None:
    async with connect(Access(simulator.url, token="wrong", allow_private=True)) as other:
        with pytest.raises(Unauthorized):
            await check(other)
    simulator.fault("deny", verb="get", path="*/namespaces/kube-system")
    with pytest.raises(Forbidden):
        await check(cluster)


async def test_another_program_is_not_kubernetes() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    async with served(answer) as cluster:
        with pytest.raises(NotKubernetes):
            await check(cluster)
