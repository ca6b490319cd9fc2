"""What an instance may take: asked before anything is applied, held by its namespace, and following what runs."""

from typing import Any

import pytest

from models import Instance
from simulator.kinds import CLAIMS, DEPLOYMENTS, LIMITS, NAMESPACES, QUOTAS
from tests.kit import makers
from tests.kit.chosen import Choose
from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task { state
  failure { code summary rootCause evidence suggestedActions step } } } }"""
PROBLEM = "task { id } problems { __typename code message remedy path }"


def sized(size: int, **volume: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "data", "title": "Data", "size": size, "path": "/data", **volume}]}


def with_memory(mib: int) -> dict[str, Any]:
    resources = {"limit": {"memory": mib}}
    container = {"name": "web", "image": "registry.local/web", "resources": resources}
    return {"workloads": [{"name": "web", "kind": "deployment", "primary": True, "containers": [container]}]}


@pytest.fixture
def small(choose: Choose) -> None:
    """The operator allows little in this test."""
    choose(quota_pods=10, quota_storage=20, quota_memory=64)


async def publish(sandbox: Sandbox, **services: dict[str, Any]) -> None:
    of = sandbox.world.organization
    made = [await makers.service(of, name, makers.service_manifest(name, **more)) for name, more in services.items()]
    await makers.stack(of, "shop", tuple(made))


async def upgrade(sandbox: Sandbox, id: str, **more: Any) -> Any:
    started = await sandbox.api.change("upgradeInstance", {"id": id, **more}, "task { id } problems { code }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]


async def creation_failure(sandbox: Sandbox) -> Any:
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    started = await sandbox.api.change("createInstance", given, "task { id } problems { code message }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]["failure"]


def hard(sandbox: Sandbox) -> dict[str, str]:
    [found] = sandbox.simulator.store.objects(QUOTAS, "shop-dev")
    amounts: dict[str, str] = found["spec"]["hard"]
    return amounts


def there(sandbox: Sandbox) -> bool:
    return "shop-dev" in [one["metadata"]["name"] for one in sandbox.simulator.store.objects(NAMESPACES)]


async def test_more_than_an_instance_may_have_is_refused_before_there_is_one(sandbox: Sandbox, small: None) -> None:
    services = [{"name": "web", "replicas": 20}]
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance(services=services)}
    refused = await sandbox.api.change("createInstance", given, PROBLEM)
    assert refused["problems"] == [
        {
            "__typename": "QuotaExceeded",
            "code": "QUOTA_EXCEEDED",
            "message": "The instance asks for 29 pods (10 are allowed). "
            "Nothing is applied: what one instance may take is bounded.",
            "remedy": "Lower the replicas, resources or volumes of the services that ask for most. "
            "Or let the operator raise BERTH_QUOTA_PODS, _CPU, _MEMORY, _VOLUMES or _STORAGE.",
            "path": "input.instance",
        }
    ]
    assert await Instance.all().count() == 0
    assert not there(sandbox)


async def test_a_deployment_of_more_than_an_instance_may_have_is_refused_as_well(sandbox: Sandbox, small: None) -> None:
    id = await sandbox.create()
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Instance { services { id name } } } }", id=id
    )
    web = next(one["id"] for one in shown["node"]["services"] if one["name"] == "web")
    changed = await sandbox.api.change("setAppServiceReplicas", {"id": web, "replicas": 20}, "problems { code }")
    assert changed["problems"] == []
    refused = await sandbox.api.change("deployInstance", {"id": id}, PROBLEM)
    assert [problem["code"] for problem in refused["problems"]] == ["QUOTA_EXCEEDED"]
    assert (refused["task"], await sandbox.state(id)) == (None, "OK")


async def test_an_upgrade_to_more_than_an_instance_may_have_applies_nothing(sandbox: Sandbox, small: None) -> None:
    await publish(sandbox, web={}, store=sized(5))
    id = await sandbox.create()
    await publish(sandbox, web={}, store=sized(5), more=sized(30))
    written = sandbox.simulator.store.version
    failure = (await upgrade(sandbox, id))["failure"]
    assert (failure["code"], failure["step"]) == ("QUOTA_EXCEEDED", "Check what is to be applied")
    assert failure["summary"] == "The instance asks for 35 GiB of storage (20 are allowed)."
    assert failure["evidence"][2] == "more: pods 1, CPUs 0.02, GiB of memory 1, volumes 1, GiB of storage 30"
    assert sandbox.simulator.store.version == written


async def test_the_quota_follows_what_runs(sandbox: Sandbox) -> None:
    await publish(sandbox, web=with_memory(512))
    id = await sandbox.create()
    before = hard(sandbox)
    assert (before["pods"], before["limits.memory"], before["requests.storage"]) == ("8", "6656Mi", "10Gi")
    await publish(sandbox, web=with_memory(2048), store=sized(40))
    assert (await upgrade(sandbox, id))["state"] == "DONE"
    grown = hard(sandbox)
    assert (grown["pods"], grown["limits.memory"], grown["requests.storage"]) == ("10", "12800Mi", "70Gi")
    [limits] = sandbox.simulator.store.objects(LIMITS, "shop-dev")
    assert limits["spec"]["limits"][0]["max"] == {"memory": "2Gi"}
    await publish(sandbox, web=with_memory(512))
    assert (await upgrade(sandbox, id))["state"] == "DONE"
    shrunk = hard(sandbox)
    assert (shrunk["pods"], shrunk["limits.memory"]) == (before["pods"], before["limits.memory"])
    assert shrunk["requests.storage"] == "70Gi", "the claim of the service that was taken out is still there"
    assert (await upgrade_nothing(sandbox, id, deleteClaims=True))["state"] == "DONE"


async def upgrade_nothing(sandbox: Sandbox, id: str, **more: Any) -> Any:
    started = await sandbox.api.change("deployInstance", {"id": id, **more}, "task { id } problems { code }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]


async def test_a_failed_deployment_leaves_room_for_what_ran_before_it(sandbox: Sandbox) -> None:
    await publish(sandbox, web=with_memory(4096))
    id = await sandbox.create()
    before = hard(sandbox)
    sandbox.simulator.behave("*nope*", pull="not found")
    broken = with_memory(64)
    broken["workloads"][0]["containers"][0]["image"] = "registry.local/nope"
    await publish(sandbox, web=broken)
    assert (await upgrade(sandbox, id))["failure"]["code"] == "IMAGE_PULL_FAILED"
    assert hard(sandbox) == before
    await publish(sandbox, web=with_memory(64))
    assert (await upgrade(sandbox, id))["state"] == "DONE"
    assert hard(sandbox)["limits.memory"] == "5312Mi"


@pytest.mark.parametrize(
    ("volume", "summary"),
    [
        ({"storageClassName": "fast"}, "The cluster has no storage class 'fast' for the volume 'data' of store."),
        ({}, "The cluster has no default storage class for the volume 'data' of store."),
    ],
    ids=["named", "default"],
)
async def test_a_missing_storage_class_is_told_before_anything_is_made(
    sandbox: Sandbox, volume: dict[str, Any], summary: str
) -> None:
    client = await sandbox.client()
    path = "/apis/storage.k8s.io/v1/storageclasses"
    for one in (await client.request("GET", path))["items"]:
        await client.request("DELETE", f"{path}/{one['metadata']['name']}")
    body = {"metadata": {"name": "slow"}, "provisioner": "example.dev/disks"}
    await client.request("POST", path, body=body)
    await publish(sandbox, web={}, store=sized(1, **volume))
    failure = await creation_failure(sandbox)
    assert (failure["code"], failure["summary"]) == ("STORAGE_CLASS_MISSING", summary)
    assert failure["suggestedActions"] == [
        "Name a storage class under `storageClassName` of the volume, in the stack: one of slow.",
        "Or mark one as the default on the cluster.",
    ]
    assert not there(sandbox)


async def test_a_volume_that_is_there_needs_its_storage_class_no_more(sandbox: Sandbox) -> None:
    await publish(sandbox, web={}, store=sized(1))
    id = await sandbox.create()
    client = await sandbox.client()
    path = "/apis/storage.k8s.io/v1/storageclasses"
    for one in (await client.request("GET", path))["items"]:
        await client.request("DELETE", f"{path}/{one['metadata']['name']}")
    assert (await upgrade_nothing(sandbox, id))["state"] == "DONE"


async def test_an_object_that_the_cluster_refuses_stops_the_deployment_before_its_first_write(sandbox: Sandbox) -> None:
    """A claim cannot shrink: only the cluster knows, and it says so in the dry run."""
    await publish(sandbox, web={}, store=sized(5))
    id = await sandbox.create()
    await publish(sandbox, web={}, new={}, store=sized(2))
    written = [one["metadata"]["resourceVersion"] for one in sandbox.simulator.store.objects(DEPLOYMENTS, "shop-dev")]
    failure = (await upgrade(sandbox, id))["failure"]
    assert (failure["code"], failure["step"]) == ("CLUSTER_INVALID", "Check what is to be applied")
    assert "store-data" in failure["summary"]
    found = sandbox.simulator.store.objects(DEPLOYMENTS, "shop-dev")
    assert [one["metadata"]["resourceVersion"] for one in found] == written
    assert len(list(sandbox.simulator.store.objects(CLAIMS, "shop-dev"))) == 1


async def test_a_quota_of_the_clusters_own_refuses_by_its_name(sandbox: Sandbox) -> None:
    """Whoever runs the cluster bounds the namespace further; a new claim is refused in the dry run."""
    await publish(sandbox, web={})
    id = await sandbox.create()
    client = await sandbox.client()
    body = {"metadata": {"name": "theirs"}, "spec": {"hard": {"requests.storage": "1Gi"}}}
    await client.request("POST", "/api/v1/namespaces/shop-dev/resourcequotas", body=body)
    await publish(sandbox, web={}, store=sized(5))
    failure = (await upgrade(sandbox, id))["failure"]
    assert (failure["code"], failure["step"]) == ("QUOTA_EXCEEDED", "Check what is to be applied")
    assert "theirs" in failure["summary"]
    assert list(sandbox.simulator.store.objects(CLAIMS, "shop-dev")) == []
