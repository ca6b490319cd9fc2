"""What is no longer part of an instance: taken away with its service, but for claims, unless that is asked for."""

from typing import Any

import pytest

from models import Applied, AppService, Deployment, StackRevision
from simulator.kinds import CLAIMS, DEPLOYMENTS
from tests.kit import makers
from tests.kit.sandbox import Sandbox

VOLUME = {"volumes": [{"name": "data", "title": "Data", "size": 1, "path": "/data"}]}


async def publish(sandbox: Sandbox, **services: dict[str, Any]) -> None:
    """A newer revision of the stack, with these services."""
    of = sandbox.world.organization
    made = [await makers.service(of, name, makers.service_manifest(name, **more)) for name, more in services.items()]
    await makers.stack(of, "shop", tuple(made))


async def done(sandbox: Sandbox, mutation: str, id: str, **more: Any) -> tuple[str, list[str]]:
    """Starts a deployment and drains; the state of its task and the lines of its last step."""
    started = await sandbox.api.change(mutation, {"id": id, **more}, "task { id } problems { code message }")
    assert started["problems"] == []
    await sandbox.drain()
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Task { state "
        "jobs { steps { name logs(first: 100) { nodes { message } } } } } } }",
        id=started["task"]["id"],
    )
    steps = {step["name"]: step for job in shown["node"]["jobs"] for step in job["steps"]}
    return shown["node"]["state"], [line["message"] for line in steps["prune"]["logs"]["nodes"]]


def names(sandbox: Sandbox, kind: Any) -> list[str]:
    found = sandbox.simulator.store.objects(kind, "shop-dev")
    return sorted(one["metadata"]["name"] for one in found if one["metadata"]["name"] != "kube-root-ca.crt")


async def manifests(sandbox: Sandbox, id: str) -> list[tuple[str, str, str]]:
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Instance { manifests { kind name service } } } }", id=id
    )
    return [(one["kind"], one["name"], one["service"]) for one in shown["node"]["manifests"] if one["service"]]


async def with_a_store(sandbox: Sandbox) -> str:
    """An instance whose service `store` has a claim, and whose newest revision has neither."""
    await publish(sandbox, web={}, store=VOLUME)
    id = await sandbox.create()
    assert names(sandbox, CLAIMS) == ["store-data"]
    await publish(sandbox, web={})
    return id


async def test_a_service_that_is_taken_out_leaves_only_its_claim(sandbox: Sandbox) -> None:
    id = await with_a_store(sandbox)
    state, said = await done(sandbox, "upgradeInstance", id)
    assert state == "DONE"
    assert names(sandbox, DEPLOYMENTS) == ["web"]
    assert names(sandbox, CLAIMS) == ["store-data"]
    assert said[-1] == ("kept PersistentVolumeClaim store-data with its data; deploy with deleteClaims to delete it")
    assert ("PersistentVolumeClaim", "store-data", "store") in await manifests(sandbox, id)
    assert "store" not in {name for kind, name, _ in await manifests(sandbox, id) if kind != "PersistentVolumeClaim"}
    # It stays known over deployments that know nothing of its service.
    await done(sandbox, "deployInstance", id)
    assert names(sandbox, CLAIMS) == ["store-data"]
    assert ("PersistentVolumeClaim", "store-data", "store") in await manifests(sandbox, id)


@pytest.mark.parametrize("later", [False, True])
async def test_a_claim_is_deleted_when_asked_at_once_or_later(sandbox: Sandbox, later: bool) -> None:
    id = await with_a_store(sandbox)
    if later:
        await done(sandbox, "upgradeInstance", id)
        state, said = await done(sandbox, "deployInstance", id, deleteClaims=True)
    else:
        state, said = await done(sandbox, "upgradeInstance", id, deleteClaims=True)
    assert state == "DONE"
    assert "removed PersistentVolumeClaim store-data" in said
    assert names(sandbox, CLAIMS) == []
    assert "PersistentVolumeClaim" not in {kind for kind, _, _ in await manifests(sandbox, id)}
    assert not await Applied.filter(instance_id=id, service="store").exists()


async def test_a_volume_that_is_taken_out_of_a_service_keeps_its_claim_until_asked(sandbox: Sandbox) -> None:
    await publish(sandbox, web={}, store=VOLUME)
    id = await sandbox.create()
    await publish(sandbox, web={}, store={})
    await done(sandbox, "upgradeInstance", id)
    assert names(sandbox, CLAIMS) == ["store-data"]
    assert ("PersistentVolumeClaim", "store-data", "store") in await manifests(sandbox, id)
    await done(sandbox, "deployInstance", id, deleteClaims=True)
    assert names(sandbox, CLAIMS) == []


async def test_a_service_that_is_switched_off_keeps_its_claim_whatever_is_asked(sandbox: Sandbox) -> None:
    await publish(sandbox, web={}, store=VOLUME)
    id = await sandbox.create()
    store = await AppService.get(instance_id=id, name="store")
    await sandbox.api.change("setAppServiceEnabled", {"id": store.id, "enabled": False}, "problems { code }")
    state, said = await done(sandbox, "deployInstance", id, deleteClaims=True)
    assert (state, names(sandbox, DEPLOYMENTS), names(sandbox, CLAIMS)) == ("DONE", ["web"], ["store-data"])
    assert said[-1] == "kept PersistentVolumeClaim store-data with its data"
    await sandbox.api.change("setAppServiceEnabled", {"id": store.id, "enabled": True}, "problems { code }")
    state, said = await done(sandbox, "deployInstance", id)
    assert (state, names(sandbox, DEPLOYMENTS), said) == ("DONE", ["store", "web"], [])


async def test_a_claim_that_is_there_still_is_never_a_leftover(sandbox: Sandbox) -> None:
    await publish(sandbox, web={}, store=VOLUME)
    id = await sandbox.create()
    state, said = await done(sandbox, "deployInstance", id, deleteClaims=True)
    assert (state, said, names(sandbox, CLAIMS)) == ("DONE", [], ["store-data"])


async def test_what_an_instance_runs_is_told_from_what_it_is_to_run(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await publish(sandbox, web={}, worker={"options": [{"version": "9.9"}]})
    sandbox.simulator.behave("*worker:9.9", pull="not found")
    asked = """query($id: ID!) { node(id: $id) { ... on Instance {
        stackRevision { number } deployedStackRevision { number } } } }"""
    state, _ = await done(sandbox, "upgradeInstance", id)
    assert state == "FAILED"
    assert (await sandbox.api.query(asked, id=id))["node"] == {
        "stackRevision": {"number": 2}, "deployedStackRevision": {"number": 1},
    }  # fmt: skip
    await publish(sandbox, web={}, worker={})
    state, _ = await done(sandbox, "upgradeInstance", id)
    assert state == "DONE"
    assert (await sandbox.api.query(asked, id=id))["node"] == {
        "stackRevision": {"number": 3},
        "deployedStackRevision": {"number": 3},
    }
    rolled_out = [one.stack_revision_id for one in await Deployment.filter(instance_id=id).order_by("number")]
    assert rolled_out == [
        one.id for one in await StackRevision.filter(stack_id=sandbox.world.app.stack_id).order_by("number")
    ]
