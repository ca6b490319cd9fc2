"""The namespace that an instance has on its cluster: its own, and never another of the same name."""

from typing import Any

import pytest

from kube.clients import MERGE
from models import Instance, Task
from simulator.kinds import NAMESPACES
from tests.kit.chosen import Choose
from tests.kit.sandbox import Sandbox
from tests.kit.waiting import until

TASK = """query($id: ID!) { node(id: $id) { ... on Task { state
  failure { code summary rootCause suggestedActions step } } } }"""
PATH = "/api/v1/namespaces/shop-dev"


async def failure(sandbox: Sandbox, mutation: str, **given: Any) -> Any:
    """The failure of the task that a mutation starts, when it is through."""
    started = await sandbox.api.change(mutation, given, "task { id } problems { code message }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]["failure"]


async def become_another(sandbox: Sandbox, **metadata: Any) -> None:
    """Somebody deletes the namespace, and makes another one of its name."""
    client = await sandbox.client()
    await client.request("DELETE", PATH)
    await sandbox.until_gone("shop-dev")
    await client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "shop-dev", **metadata}})


def there(sandbox: Sandbox) -> bool:
    return "shop-dev" in [one["metadata"]["name"] for one in sandbox.simulator.store.objects(NAMESPACES)]


async def test_nothing_is_deployed_into_a_namespace_that_is_another_now(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await become_another(sandbox)
    written = sandbox.simulator.store.version
    found = await failure(sandbox, "deployInstance", id=id)
    assert found["code"] == "NAMESPACE_FOREIGN"
    assert found["suggestedActions"] != []
    assert sandbox.simulator.store.version == written
    assert await sandbox.state(id) == "OK"


async def test_nothing_is_deployed_into_a_copy_of_the_namespace(sandbox: Sandbox) -> None:
    """A tool that restores namespaces copies annotations too; the UID tells the copy from the original."""
    id = await sandbox.create()
    client = await sandbox.client()
    annotations = (await client.request("GET", PATH))["metadata"]["annotations"]
    await become_another(sandbox, annotations=annotations)
    assert (await failure(sandbox, "deployInstance", id=id))["code"] == "NAMESPACE_FOREIGN"


async def test_a_namespace_that_somebody_deleted_is_said_to_be_gone(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await (await sandbox.client()).request("DELETE", PATH)
    await sandbox.until_gone("shop-dev")
    found = await failure(sandbox, "deployInstance", id=id)
    assert found["code"] == "NAMESPACE_GONE"
    assert found["suggestedActions"] == [
        "Delete the instance and create it anew; what its volumes held went with the namespace."
    ]


async def test_a_deletion_leaves_a_namespace_that_is_another_now(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await become_another(sandbox)
    assert await failure(sandbox, "deleteInstance", id=id) is None
    assert await sandbox.state(id) is None
    assert there(sandbox)


async def test_a_namespace_whose_uid_changes_under_a_deletion_is_left_alone(sandbox: Sandbox) -> None:
    sandbox.simulator.fault("hold", path="services/web")
    id = await sandbox.create()
    deleting = await sandbox.api.change("deleteInstance", {"id": id}, "task { id } problems { code }")
    await sandbox.runner.sweep()

    async def held() -> bool:
        return bool((await Instance.get(id=id)).holding)

    await until(held, True)
    sandbox.simulator.clear_faults()
    await sandbox.let_go("shop-dev")
    await sandbox.until_gone("shop-dev")
    await (await sandbox.client()).request("POST", "/api/v1/namespaces", body={"metadata": {"name": "shop-dev"}})
    await sandbox.drain()
    task = (await sandbox.api.query(TASK, id=deleting["task"]["id"]))["node"]
    assert (task["state"], await sandbox.state(id), there(sandbox)) == ("DONE", None, True)


@pytest.mark.parametrize("annotations", [{}, {"berth.dev/installation": "another", "berth.dev/instance": "ins_1"}])
async def test_a_namespace_that_is_not_ours_is_refused_and_left_as_it_is(
    sandbox: Sandbox, annotations: dict[str, str]
) -> None:
    client = await sandbox.client()
    body = {"metadata": {"name": "shop-dev", "annotations": annotations}}
    before = await client.request("POST", "/api/v1/namespaces", body=body)
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    found = await failure(sandbox, "createInstance", **given)
    assert found["code"] == "NAMESPACE_FOREIGN"
    assert found["suggestedActions"] != []
    assert await client.request("GET", PATH) == before


async def test_a_namespace_that_is_still_going_is_waited_for(sandbox: Sandbox) -> None:
    """It was left by an instance of the same name; its last object goes while the creation waits."""
    client = await sandbox.client()
    await client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "shop-dev"}})
    held = {"metadata": {"name": "last", "finalizers": ["example.dev/hold"]}}
    await client.request("POST", f"{PATH}/configmaps", body=held)
    await client.request("DELETE", PATH)
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, "instance { id } task { id } problems { code }")
    await sandbox.runner.sweep()

    async def backed_off() -> str:
        return (await Task.get(id=created["task"]["id"])).state

    await until(backed_off, "BACKED_OFF")
    freed = {"metadata": {"finalizers": None}}
    await client.request("PATCH", f"{PATH}/configmaps/last", body=freed, content_type=MERGE)
    await sandbox.drain()
    assert await sandbox.state(created["instance"]["id"]) == "OK"


async def test_a_namespace_that_never_goes_ends_the_creation_and_is_said_to_be_held(
    sandbox: Sandbox, choose: Choose
) -> None:
    choose(patience=0.3)
    client = await sandbox.client()
    before = await client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "shop-dev"}})
    held = {"metadata": {"name": "last", "finalizers": ["example.dev/hold"]}}
    await client.request("POST", f"{PATH}/configmaps", body=held)
    await client.request("DELETE", PATH)
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, "instance { id } task { id } problems { code }")
    await sandbox.drain()
    task = (await sandbox.api.query(TASK, id=created["task"]["id"]))["node"]
    assert (task["state"], task["failure"]["code"]) == ("FAILED", "NAMESPACE_TERMINATING")
    assert task["failure"]["summary"] == "The namespace shop-dev is still being deleted."
    assert task["failure"]["suggestedActions"] != []
    id = created["instance"]["id"]
    assert await sandbox.state(id) == "ERRORED"
    assert (await client.request("GET", PATH))["metadata"]["uid"] == before["metadata"]["uid"]
    assert await failure(sandbox, "deleteInstance", id=id) is None
    assert (await sandbox.state(id), there(sandbox)) == (None, True)
