"""The test of a cluster says what is wrong and what to do, and changes nothing."""

import pytest
from aiohttp import ClientSession, web

from kube import role
from kube.check import Check, check
from kube.clients import Cluster, connect
from kube.errors import Forbidden, NotKubernetes, Unauthorized, Unreachable
from kube.kubeconfig import Access
from kube.resources import WRITTEN
from settings import settings
from simulator.kinds import BY_NAME, STORAGE_CLASSES
from simulator.simulator import Simulator
from tests.kit.impostors import silent
from tests.kube.serving import served


async def test_a_good_cluster_passes_and_is_known_by_its_uid(simulator: Simulator, cluster: Cluster) -> None:
    before = simulator.store.version
    report = await check(cluster)
    assert report.passed
    assert report.version == "1.34.0"
    assert [(found.name, found.passed, found.needed) for found in report.checks] == [
        ("version", True, True),
        ("permissions", True, True),
        ("storage", True, False),
        ("ingress", False, False),
        ("metrics", False, False),
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
    simulator.fault("deny", verb="delete", path="*/deployments")
    simulator.fault("deny", verb="get", path="*/pods/log")
    report = await check(cluster)
    assert not report.passed
    permissions = report.checks[1]
    assert (permissions.passed, permissions.missing) == (False, ("delete deployments.apps", "get pods/log"))
    assert permissions.message == "The account may not: delete deployments.apps, get pods/log."
    assert permissions.remedy != ""
    assert permissions.role_manifest == role.manifest("simulator")


async def test_many_missing_rights_are_counted_in_the_sentence_and_all_named(
    simulator: Simulator, cluster: Cluster
) -> None:
    simulator.fault("deny", verb="patch")
    permissions = (await check(cluster)).checks[1]
    assert len(permissions.missing) == len(WRITTEN) + 1
    assert permissions.message.endswith(f"and {len(permissions.missing) - 8} more.")


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


async def test_an_identity_that_may_not_be_read_is_a_missing_right(simulator: Simulator, cluster: Cluster) -> None:
    simulator.fault("deny", verb="get", path="/api/v1/namespaces*")
    report = await check(cluster)
    assert (report.uid, report.checks[1].missing) == ("", ("get namespaces",))


async def test_what_leads_in_is_named(simulator: Simulator, cluster: Cluster) -> None:
    simulator.cluster.create(BY_NAME["IngressClass"], "", {"metadata": {"name": "nginx"}, "spec": {}})
    ingress = (await check(cluster)).checks[3]
    assert (ingress.passed, ingress.message) == (True, "Requests from outside are served by the IngressClass nginx.")


@pytest.mark.parametrize(
    ("code", "passed", "message"),
    [
        (0, True, "The cluster measures what pods use."),
        (404, False, "The cluster does not measure what pods use."),
        (503, False, "The server of metrics.k8s.io is installed and does not answer."),
    ],
)
async def test_metrics_are_there_or_not_or_broken(code: int, passed: bool, message: str) -> None:
    async with Simulator("t") as simulator:

        async def answer(request: web.Request) -> web.StreamResponse:
            """A cluster with an aggregated API: everything else is the simulator's."""
            if request.path.startswith("/apis/metrics.k8s.io"):
                return web.json_response({"kind": "APIResourceList"}, status=code or 200)
            async with ClientSession() as session:
                sent = {"Authorization": "Bearer t"}
                data = await request.read()
                async with session.request(
                    request.method, simulator.url + request.path, headers=sent, data=data
                ) as got:
                    return web.Response(status=got.status, body=await got.read(), content_type=got.content_type)

        async with served(answer) as cluster:
            metrics = (await check(cluster)).checks[4]
    assert (metrics.passed, metrics.message, metrics.remedy == "") == (passed, message, passed)


async def test_a_test_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CLUSTER_CHECK", "0.2")
    settings.cache_clear()
    try:
        async with silent() as nobody, connect(Access(nobody.url, token="t", allow_private=True)) as cluster:
            with pytest.raises(Unreachable, match=r"within 0\.2 seconds"):
                await check(cluster)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def test_another_program_is_not_kubernetes() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    async with served(answer) as cluster:
        with pytest.raises(NotKubernetes):
            await check(cluster)
