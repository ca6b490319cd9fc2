"""Objects in an instance's namespace that are not Berth's: left alone by every deployment."""

from typing import Any

import pytest

from kube.clients import MERGE
from simulator.kinds import CONFIG_MAPS, DEPLOYMENTS, SERVICES
from tests.kit import makers
from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task { state
  failure { code summary rootCause suggestedActions step } } } }"""
PATH = "/api/v1/namespaces/shop-dev"
THEIRS = {"metadata": {"name": "theirs"}, "data": {"a": "b"}}


async def publish(sandbox: Sandbox, **services: dict[str, Any]) -> None:
    of = sandbox.world.organization
    made = [await makers.service(of, name, makers.service_manifest(name, **more)) for name, more in services.items()]
    await makers.stack(of, "shop", tuple(made))


async def done(sandbox: Sandbox, mutation: str, id: str, **more: Any) -> Any:
    """The task of a deployment, when it is through."""
    started = await sandbox.api.change(mutation, {"id": id, **more}, "task { id } problems { code }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]


def found(sandbox: Sandbox, kind: Any, name: str) -> Any:
    objects = sandbox.simulator.store.objects(kind, "shop-dev")
    return next((one for one in objects if one["metadata"]["name"] == name), None)


async def test_an_object_of_somebody_else_stays_as_it_is(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    client = await sandbox.client()
    await client.request("POST", f"{PATH}/configmaps", body=THEIRS)
    before = found(sandbox, CONFIG_MAPS, "theirs")
    await publish(sandbox, web={})
    assert (await done(sandbox, "upgradeInstance", id))["state"] == "DONE"
    assert found(sandbox, DEPLOYMENTS, "worker") is None
    assert found(sandbox, CONFIG_MAPS, "theirs") == before


async def test_an_object_that_somebody_made_anew_is_not_removed_with_its_service(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    client = await sandbox.client()
    await client.request("DELETE", f"{PATH}/services/worker")
    body = {"metadata": {"name": "worker"}, "spec": {"ports": [{"port": 9}]}}
    await client.request("POST", f"{PATH}/services", body=body)
    await publish(sandbox, web={})
    assert (await done(sandbox, "upgradeInstance", id))["state"] == "DONE"
    assert found(sandbox, DEPLOYMENTS, "worker") is None
    assert found(sandbox, SERVICES, "worker")["spec"]["ports"][0]["port"] == 9


@pytest.mark.parametrize("force", [False, True])
async def test_an_object_under_a_name_that_is_wanted_is_taken_over_only_by_force(sandbox: Sandbox, force: bool) -> None:
    await publish(sandbox, web={})
    id = await sandbox.create()
    client = await sandbox.client()
    theirs = {"metadata": {"name": "store.store.env", "labels": {"own": "er"}}, "data": {"THEIRS": "1"}}
    await client.request("POST", f"{PATH}/configmaps", query={"fieldManager": "another-tool"}, body=theirs)
    before = found(sandbox, CONFIG_MAPS, "store.store.env")
    await publish(sandbox, web={}, store={})
    task = await done(sandbox, "upgradeInstance", id, force=force)
    if force:
        assert task["state"] == "DONE"
        return
    assert task["failure"] == {
        "code": "OBJECT_FOREIGN",
        "summary": "The namespace holds a ConfigMap store.store.env that is not Berth's; it is left alone.",
        "rootCause": "It was made by another-tool.",
        "suggestedActions": [
            "Have it removed or renamed, and deploy again.",
            "Or deploy with force: true to take it over.",
        ],
        "step": "Check what is to be applied",
    }
    assert found(sandbox, CONFIG_MAPS, "store.store.env") == before
    assert found(sandbox, DEPLOYMENTS, "store") is None


async def test_an_own_object_that_others_have_added_to_stays_berths(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    client = await sandbox.client()
    note = {"metadata": {"annotations": {"example.dev/note": "seen"}}}
    await client.request("PATCH", f"{PATH}/services/web", body=note, content_type=MERGE)
    assert (await done(sandbox, "deployInstance", id))["state"] == "DONE"
    assert found(sandbox, SERVICES, "web")["metadata"]["annotations"]["example.dev/note"] == "seen"
