"""Another cluster behind the same address: nothing is written to it, and nothing is concluded from it."""

from collections.abc import AsyncIterator

import pytest

from kube import identity
from kube.clients import MERGE, Cluster, connect
from kube.errors import ClusterChanged
from kube.kubeconfig import Access
from live import abandoned, process
from models import AbandonedNamespace, Instance, Task
from tests.kit.sandbox import TOKEN, Sandbox, working
from tests.kit.waiting import until

STARTED = "instance { id } task { id } problems { code }"


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another cluster is noticed at the very next write."""
    monkeypatch.setattr(identity, "FRESH", 0.0)


@pytest.fixture
async def somebody(sandbox: Sandbox) -> AsyncIterator[Cluster]:
    """A client that is not Berth's."""
    async with connect(Access(sandbox.simulator.url, token=TOKEN, allow_private=True)) as client:
        yield client


async def failure(task: str) -> str:
    return str((await Task.get(id=task)).failure["code"])


@pytest.mark.parametrize(("mutation", "state"), [("deployInstance", "OK"), ("deleteInstance", "ERRORED")])
async def test_no_task_writes_to_it(sandbox: Sandbox, mutation: str, state: str) -> None:
    id = await sandbox.create()
    sandbox.simulator.become_another()
    written = sandbox.simulator.store.version
    started = await sandbox.api.change(mutation, {"id": id}, STARTED)
    await sandbox.drain()
    assert await failure(started["task"]["id"]) == "CLUSTER_CHANGED"
    assert sandbox.simulator.store.version == written
    assert await sandbox.state(id) == state


async def test_no_instance_is_created_on_it(sandbox: Sandbox) -> None:
    sandbox.simulator.become_another()
    written = sandbox.simulator.store.version
    id = await sandbox.create()
    assert sandbox.simulator.store.version == written
    assert await sandbox.state(id) == "ERRORED"


async def test_a_cluster_that_is_exchanged_in_the_middle_of_a_deployment_gets_no_more(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    sandbox.simulator.fault("slow", verb="patch", path="*/deployments/*", seconds=0.2, times=1)
    started = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    await sandbox.runner.sweep()

    async def patching() -> bool:
        return not sandbox.simulator.state.faults.on

    await until(patching, True)
    sandbox.simulator.become_another()
    await sandbox.drain()
    assert await failure(started["task"]["id"]) == "CLUSTER_CHANGED"
    assert await sandbox.state(id) == "OK"


async def test_a_namespace_that_it_lacks_is_not_taken_for_deleted(
    sandbox: Sandbox, somebody: Cluster, opened_database: str
) -> None:
    id = await sandbox.create()
    sandbox.simulator.fault("hold", path="services/*")
    service = {"metadata": {"name": "held"}, "spec": {"ports": [{"port": 80}]}}
    await somebody.request("POST", "/api/v1/namespaces/shop-dev/services", body=service)
    deleted = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    async with working(opened_database):

        async def is_held_up() -> bool:
            return bool((await Instance.get(id=id)).holding)

        await until(is_held_up, True)
        sandbox.simulator.become_another()
        path, body = "/api/v1/namespaces/shop-dev/services/held", {"metadata": {"finalizers": None}}
        await somebody.request("PATCH", path, body=body, content_type=MERGE)

        async def state() -> bool:
            return await sandbox.state(id) == "ERRORED"

        await until(state, True)
    assert await failure(deleted["task"]["id"]) == "CLUSTER_CHANGED"


async def test_a_forced_deletion_keeps_in_mind_what_is_on_the_one_that_is_meant(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    sandbox.simulator.become_another()
    written = sandbox.simulator.store.version
    await sandbox.api.change("deleteInstance", {"id": id, "force": True}, STARTED)
    await sandbox.drain()
    assert await sandbox.state(id) is None
    assert sandbox.simulator.store.version == written
    assert [row.namespace for row in await AbandonedNamespace.all()] == ["shop-dev"]


@pytest.mark.parametrize("there", [True, False])
async def test_the_sweep_of_abandoned_namespaces_forgets_nothing_because_of_it(sandbox: Sandbox, there: bool) -> None:
    instance = await Instance.get(id=await sandbox.create())
    name = instance.namespace if there else "gone"
    kept = await AbandonedNamespace.create(
        organization_id=instance.organization_id,
        cluster_id=instance.cluster_id,
        cluster_uid=instance.cluster_uid,
        namespace=name,
        namespace_uid=instance.namespace_uid,
        instance_id=instance.id,
        task_id="tsk_gone",
    )
    sandbox.simulator.become_another()
    written = sandbox.simulator.store.version
    client = await sandbox.client()
    with pytest.raises(ClusterChanged):
        await abandoned.sweep(client, instance.cluster_id, instance.cluster_uid, process.current().installation)
    assert sandbox.simulator.store.version == written
    assert await AbandonedNamespace.filter(id=kept.id).exists()
