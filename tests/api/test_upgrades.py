"""An instance moved to its stack's latest published revision."""

from typing import Any

from models import AppService
from simulator.kinds import CONFIG_MAPS, DEPLOYMENTS
from tests.kit import makers
from tests.kit.sandbox import Sandbox

SHOWN = """query($id: ID!) { node(id: $id) { ... on Instance {
  state outdated stackRevision { number } services { name state } } } }"""


async def shown(sandbox: Sandbox, id: str) -> Any:
    return (await sandbox.api.query(SHOWN, id=id))["node"]


def deployments(sandbox: Sandbox) -> list[str]:
    return sorted(one["metadata"]["name"] for one in sandbox.simulator.store.objects(DEPLOYMENTS))


async def a_newer_revision(sandbox: Sandbox) -> None:
    """The stack without its cache, with a newer worker and a search."""
    of = sandbox.world.organization
    newer = makers.service_manifest("worker", options=[{"version": "2.0"}])
    services = [
        await makers.service(of, "web", makers.service_manifest("web")),
        await makers.service(of, "worker", newer),
        await makers.service(of, "search", makers.service_manifest("search")),
    ]
    await makers.stack(of, "shop", tuple(services))


async def test_services_are_matched_by_name_added_and_removed(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    worker = await AppService.get(instance_id=id, name="worker")
    given = {"id": worker.id, "variables": [{"name": "KEPT", "value": "yes"}]}
    await sandbox.api.change("setAppServiceVariables", given, "problems { code }")
    await a_newer_revision(sandbox)
    assert (await shown(sandbox, id))["outdated"] is True

    answer = await sandbox.api.change("upgradeInstance", {"id": id}, "instance { state } problems { code }")
    assert answer == {"instance": {"state": "DEPLOYING"}, "problems": []}
    await sandbox.drain()

    assert await shown(sandbox, id) == {
        "state": "OK",
        "outdated": False,
        "stackRevision": {"number": 2},
        "services": [
            {"name": "web", "state": "OK"},
            {"name": "worker", "state": "OK"},
            {"name": "search", "state": "OK"},
        ],
    }
    assert deployments(sandbox) == ["search", "web", "worker"]
    made = next(one for one in sandbox.simulator.store.objects(DEPLOYMENTS) if one["metadata"]["name"] == "worker")
    [container] = made["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.local/worker:2.0"
    plain = [one["data"] for one in sandbox.simulator.store.objects(CONFIG_MAPS) if "KEPT" in one.get("data", {})]
    assert [one["KEPT"] for one in plain] == ["yes"]


async def test_an_instance_at_the_latest_revision_is_not_upgraded(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    answer = await sandbox.api.change("upgradeInstance", {"id": id}, "task { id } problems { code message }")
    assert answer == {
        "task": None,
        "problems": [
            {
                "code": "STACK_REVISION_UNUSABLE",
                "message": "The instance has the latest published revision, #1, already.",
            }
        ],
    }


async def test_two_instances_of_one_app_may_be_at_different_revisions(sandbox: Sandbox) -> None:
    old = await sandbox.create("old")
    await a_newer_revision(sandbox)
    new = await sandbox.create("new")
    assert (await shown(sandbox, old))["stackRevision"] == {"number": 1}
    assert (await shown(sandbox, new))["stackRevision"] == {"number": 2}
    assert ((await shown(sandbox, old))["outdated"], (await shown(sandbox, new))["outdated"]) == (True, False)
