"""Clusters as they are registered, changed, looked at and removed, against a simulated one over real HTTP."""

import pytest

from kube import role
from kube.clients import connect
from kube.errors import ClusterChanged
from kube.kubeconfig import Access
from live.process import Process
from models import Cluster
from rules.enums import InstanceState, Role
from settings import settings
from simulator.simulator import Simulator
from tests.api.clusters.registering import PROBLEMS, SHOWN, TOKEN, kubeconfig, refused, register, registration
from tests.kit import makers
from tests.kit.accounts import account
from tests.kit.client import Api
from tests.kit.makers import World
from tests.kit.traces import events, everything

GONE = "cls_00000000000000000000000000"


async def test_a_cluster_that_answers_is_registered(world: World, simulator: Simulator, berth: Process) -> None:
    text = kubeconfig(simulator.url)
    answer = await register(world, text, "cluster { id uid server checks { name passed message } } " + SHOWN)
    shown = answer["cluster"]
    id = shown.pop("id")
    uid = shown.pop("uid")
    assert answer == {
        "cluster": {
            "name": "west",
            "title": "west",
            "kind": "KUBECONFIG",
            "state": "CONNECTED",
            "reason": "",
            "kubernetesVersion": "1.34.0",
            "version": 1,
            "server": simulator.url,
            "checks": [
                {"name": "version", "passed": True, "message": "The cluster runs Kubernetes 1.34.0."},
                {
                    "name": "permissions",
                    "passed": True,
                    "message": "The account has all the rights that Berth needs.",
                },
                {"name": "storage", "passed": True, "message": "Volumes are made by the storage class standard."},
                {
                    "name": "ingress",
                    "passed": False,
                    "message": "The cluster has no ingress and no gateway class.",
                },
                {"name": "metrics", "passed": False, "message": "The cluster does not measure what pods use."},
            ],
        },
        "cursor": "1",
        "problems": [],
    }
    row = await Cluster.get(id=id)
    assert row.kubeconfig is not None
    assert "let-me-in" not in row.kubeconfig
    assert berth.keyring.unseal(row.kubeconfig, id) == text
    data = {"clusterId": id, "name": "west", "uid": uid}
    assert await events(world.organization.id) == [("CLUSTER_REGISTERED", data)]


async def test_a_replay_answers_although_the_cluster_is_away(world: World) -> None:
    async with Simulator(token="let-me-in") as running:
        text = kubeconfig(running.url)
        first = await register(world, text, "cluster { id } problems { code }", idempotencyKey="one")
    again = await register(world, text, "cluster { id } problems { code }", idempotencyKey="one")
    assert again == first
    assert first["problems"] == []


async def test_a_cluster_that_is_too_old_is_refused(world: World, simulator: Simulator) -> None:
    simulator.state.release = "v1.20.4"
    problem = await refused(world, kubeconfig(simulator.url))
    assert (problem["code"], problem["message"], problem["remedy"]) == (
        "CLUSTER_REFUSED",
        "The cluster runs Kubernetes 1.20.4, and Berth needs 1.29 or newer.",
        "Upgrade the cluster.",
    )


async def test_a_cluster_that_withholds_a_right_is_refused_with_the_role_that_grants_it(
    world: World, simulator: Simulator
) -> None:
    simulator.fault("deny", verb="create", path="/api/v1/secrets")
    problem = await refused(world, kubeconfig(simulator.url))
    assert (problem["code"], problem["message"]) == ("CLUSTER_REFUSED", "The account may not: create secrets.")
    selection = "problems { ... on ClusterRefused { missing roleManifest } }"
    answer = await register(world, kubeconfig(simulator.url), selection)
    assert answer == {"problems": [{"missing": ["create secrets"], "roleManifest": role.manifest("simulator")}]}


async def test_names_and_kinds_are_judged_before_anything_is_asked(world: World) -> None:
    problem = await refused(world, kubeconfig("http://127.0.0.1:1"), name="West")
    assert (problem["code"], problem["path"]) == ("INVALID_NAME", "input.name")
    problem = await refused(world, None)
    assert (problem["code"], problem["message"]) == (
        "INVALID_INPUT",
        "A cluster of kind KUBECONFIG takes a kubeconfig.",
    )
    problem = await refused(world, None, kind="IN_CLUSTER")
    assert (problem["code"], problem["path"]) == ("CLUSTER_REFUSED", "input.kind")


async def test_a_simulator_must_be_the_installations_own(
    world: World, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = await refused(world, kubeconfig(simulator.url), kind="SIMULATOR")
    assert problem["message"] == "This is not the address of the simulator that belongs to this installation."
    monkeypatch.setenv("BERTH_SIMULATOR", simulator.url)
    monkeypatch.setenv("BERTH_ALLOW_PRIVATE_CLUSTERS", "false")
    settings.cache_clear()
    answer = await register(world, kubeconfig(simulator.url), kind="SIMULATOR")
    assert answer["problems"] == []
    assert answer["cluster"]["kind"] == "SIMULATOR"


async def test_a_name_that_is_taken_is_refused(world: World, simulator: Simulator) -> None:
    problem = await refused(world, kubeconfig(simulator.url), name="main")
    assert (problem["code"], problem["path"]) == ("NAME_TAKEN", "input.name")


async def test_a_reader_and_a_stranger_cannot_make_berth_connect(world: World, simulator: Simulator) -> None:
    simulator.fault("refuse")
    before = await everything()
    reader = await makers.viewer(world.organization, role=Role.READER)
    stranger = (await makers.world()).owner
    before = await everything()
    wanted = registration(world, kubeconfig(simulator.url))
    answer = await Api(reader).change("registerCluster", wanted, PROBLEMS)
    assert [problem["code"] for problem in answer["problems"]] == ["FORBIDDEN"]
    answer = await Api(stranger).change("registerCluster", wanted, PROBLEMS)
    assert [(problem["code"], problem["path"]) for problem in answer["problems"]] == [
        ("NOT_FOUND", "input.organizationId")
    ]
    for mutation in ("updateCluster", "testCluster", "removeCluster"):
        for id in (world.cluster.id, GONE, world.environment.id):
            answer = await Api(stranger).change(mutation, {"id": id}, PROBLEMS)
            assert [(problem["code"], problem["path"]) for problem in answer["problems"]] == [("NOT_FOUND", "input.id")]
    assert await everything() == before


async def test_another_way_to_the_same_cluster_is_taken_and_another_cluster_is_not(
    world: World, simulator: Simulator, berth: Process
) -> None:
    id = (await register(world, kubeconfig(simulator.url), "cluster { id }"))["cluster"]["id"]
    other = kubeconfig(simulator.url.replace("127.0.0.1", "localhost"))
    api = Api(world.owner)
    wanted = {"id": id, "title": "Far west", "kubeconfig": other, "expectedVersion": 1}
    answer = await api.change("updateCluster", wanted, SHOWN + " cluster { server }")
    assert (answer["cluster"]["title"], answer["cluster"]["version"]) == ("Far west", 2)
    assert answer["cluster"]["server"] == simulator.url.replace("127.0.0.1", "localhost")
    row = await Cluster.get(id=id)
    assert row.kubeconfig is not None
    assert berth.keyring.unseal(row.kubeconfig, id) == other
    async with Simulator(token="let-me-in") as another:
        before = await everything()
        answer = await api.change("updateCluster", {"id": id, "kubeconfig": kubeconfig(another.url)}, SHOWN)
    assert [(problem["code"], problem["message"]) for problem in answer["problems"]] == [
        ("CLUSTER_REFUSED", "The kubeconfig leads to another cluster: its kube-system namespace has another UID.")
    ]
    assert await everything() == before


async def test_a_test_keeps_what_it_finds(world: World, simulator: Simulator) -> None:
    id = (await register(world, kubeconfig(simulator.url), "cluster { id }"))["cluster"]["id"]
    api = Api(world.owner)
    simulator.fault("deny", verb="create", path="/api/v1/secrets")
    answer = await api.change("testCluster", {"id": id}, "cluster { state reason } problems { code }")
    missing = {"state": "DEGRADED", "reason": "The account may not: create secrets."}
    assert answer == {"cluster": missing, "problems": []}
    shown = (
        "query($id: ID!) { node(id: $id) { ... on Cluster { checks { name needed missing remedy roleManifest } } } }"
    )
    permissions = (await api.query(shown, id=id))["node"]["checks"][1]
    assert (permissions["name"], permissions["needed"], permissions["missing"]) == (
        "permissions",
        True,
        ["create secrets"],
    )
    assert permissions["remedy"] != ""
    assert permissions["roleManifest"] == role.manifest("simulator")
    simulator.clear_faults()
    answer = await api.change("testCluster", {"id": id}, "cluster { state reason } problems { code }")
    assert answer == {"cluster": {"state": "CONNECTED", "reason": ""}, "problems": []}
    simulator.become_another()
    answer = await api.change("testCluster", {"id": id}, "cluster { state reason } problems { code }")
    assert answer == {"cluster": {"state": "DEGRADED", "reason": ClusterChanged().message}, "problems": []}
    simulator.fault("status", code=401)
    answer = await api.change("testCluster", {"id": id}, "cluster { state } problems { code }")
    assert answer == {"cluster": {"state": "AUTH_FAILED"}, "problems": []}
    simulator.clear_faults()
    simulator.fault("refuse")
    answer = await api.change("testCluster", {"id": id}, "cluster { state } problems { code }")
    assert answer == {"cluster": {"state": "UNREACHABLE"}, "problems": []}


async def test_an_account_that_is_taken_away_is_told_with_its_remedy(world: World, simulator: Simulator) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    async with connect(Access(simulator.url, token=TOKEN, allow_private=True)) as operator:
        token = await account(operator, "default", "berth")
        text = kubeconfig(simulator.url, token=token)
        registered = await register(world, text, "cluster { id state } problems { message }")
        assert registered["problems"] == []
        await operator.request("DELETE", f"{accounts}/berth")
    id = registered["cluster"]["id"]
    shown = "cluster { state reason checks { name passed message remedy } } problems { code }"
    answer = await Api(world.owner).change("testCluster", {"id": id}, shown)
    message, remedy = "The cluster does not accept the credentials.", "Give a kubeconfig with fresh credentials."
    check = {"name": "connection", "passed": False, "message": message, "remedy": remedy}
    told = {"state": "AUTH_FAILED", "reason": message, "checks": [check]}
    assert answer == {"cluster": told, "problems": []}


async def test_a_cluster_with_instances_stays(world: World) -> None:
    await makers.instance(world)
    await makers.instance(world, "old", InstanceState.OK, deleted_at=world.cluster.created_at)
    before = await everything()
    shown = "deletedId problems { code message ... on InUse { count } }"
    answer = await Api(world.owner).change("removeCluster", {"id": world.cluster.id}, shown)
    message = "1 instance uses this cluster, so it cannot be removed."
    assert answer == {"deletedId": None, "problems": [{"code": "IN_USE", "message": message, "count": 1}]}
    assert await everything() == before


async def test_a_removed_cluster_is_gone_and_its_name_is_free(world: World, simulator: Simulator) -> None:
    api = Api(world.owner)
    id = (await register(world, kubeconfig(simulator.url), "cluster { id }"))["cluster"]["id"]
    answer = await api.change("removeCluster", {"id": id, "expectedVersion": 1}, f"deletedId cursor {PROBLEMS}")
    assert answer == {"deletedId": id, "cursor": "2", "problems": []}
    assert await api.query("query($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}
    assert (await Cluster.get(id=id)).kubeconfig is None
    again = await api.change("removeCluster", {"id": id}, PROBLEMS)
    assert [problem["code"] for problem in again["problems"]] == ["NOT_FOUND"]
    assert (await register(world, kubeconfig(simulator.url)))["problems"] == []
