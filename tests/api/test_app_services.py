"""App services configured through the API, and what a deployment makes of it in the cluster."""

from typing import Any

from models import AppService, Variable
from simulator.kinds import CONFIG_MAPS, DEPLOYMENTS, SECRETS, Kind
from tests.kit.sandbox import Sandbox

SERVICES = """query($id: ID!) { node(id: $id) { ... on Instance { state services {
  id name state enabled replicas version needsRedeploy optionVersion: version variables { name value secret } } } } }"""
CHANGED = "appService { id name needsRedeploy } problems { code message path }"


async def services(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """The app services of an instance, by name."""
    shown = (await sandbox.api.query(SERVICES, id=id))["node"]["services"]
    return {one["name"]: one for one in shown}


def container(sandbox: Sandbox, name: str) -> Any:
    """The container of a deployment in the cluster, and how many of it are wanted."""
    found = [one for one in sandbox.simulator.store.objects(DEPLOYMENTS) if one["metadata"]["name"] == name]
    return (found[0]["spec"]["template"]["spec"]["containers"][0], found[0]["spec"]["replicas"]) if found else None


def kept_in(sandbox: Sandbox, kind: Kind, service: str) -> dict[str, str]:
    """The data of a service's one object of a kind."""
    label = "berth.dev/service"
    [found] = [
        one for one in sandbox.simulator.store.objects(kind) if one["metadata"].get("labels", {}).get(label) == service
    ]
    data: dict[str, str] = found["data"]
    return data


async def test_variables_are_merged_and_secrets_are_never_shown(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    worker = (await services(sandbox, id))["worker"]["id"]
    given = [{"name": "MODE", "value": "slow"}, {"name": "KEY", "value": "hush", "secret": True}]
    answer = await sandbox.api.change("setAppServiceVariables", {"id": worker, "variables": given}, CHANGED)
    assert answer == {"appService": {"id": worker, "name": "worker", "needsRedeploy": True}, "problems": []}
    given = [{"name": "MODE", "value": "fast"}, {"name": "OLD", "value": "x"}]
    await sandbox.api.change("setAppServiceVariables", {"id": worker, "variables": given}, CHANGED)
    await sandbox.api.change("setAppServiceVariables", {"id": worker, "remove": ["OLD"]}, CHANGED)

    assert (await services(sandbox, id))["worker"]["variables"] == [
        {"name": "KEY", "value": None, "secret": True},
        {"name": "MODE", "value": "fast", "secret": False},
    ]
    kept = await Variable.get(app_service_id=worker, name="KEY")
    assert kept.value is None
    assert kept.sealed is not None
    assert "hush" not in kept.sealed

    await sandbox.api.change("deployInstance", {"id": id}, "task { id }")
    await sandbox.drain()

    plain, hidden = kept_in(sandbox, CONFIG_MAPS, "worker"), kept_in(sandbox, SECRETS, "worker")
    assert (plain["MODE"], "KEY" in plain, "OLD" in plain) == ("fast", False, False)
    assert hidden == {"KEY": "aHVzaA=="}
    assert "hush" not in str(container(sandbox, "worker"))
    assert (await services(sandbox, id))["worker"]["needsRedeploy"] is False


async def test_replicas_and_version_count_from_the_next_deployment_on(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    worker = (await services(sandbox, id))["worker"]["id"]
    await sandbox.api.change("setAppServiceReplicas", {"id": worker, "replicas": 3}, CHANGED)
    await sandbox.api.change("setAppServiceVersion", {"id": worker, "optionVersion": "1.0"}, CHANGED)
    made, replicas = container(sandbox, "worker")
    assert (made["image"], replicas) == ("registry.local/worker:1.1", 1)

    await sandbox.api.change("deployInstance", {"id": id}, "task { id }")
    await sandbox.drain()

    made, replicas = container(sandbox, "worker")
    assert (made["image"], replicas) == ("registry.local/worker:1.0", 3)
    await sandbox.api.change("setAppServiceReplicas", {"id": worker, "replicas": None}, CHANGED)
    assert (await AppService.get(id=worker)).replicas is None


async def test_a_service_that_is_switched_off_leaves_the_cluster_with_the_next_deployment(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    worker = (await services(sandbox, id))["worker"]["id"]
    await sandbox.api.change("setAppServiceEnabled", {"id": worker, "enabled": False}, CHANGED)
    assert container(sandbox, "worker") is not None
    await sandbox.api.change("deployInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    assert container(sandbox, "worker") is None
    assert (await services(sandbox, id))["worker"]["state"] == "DISABLED"

    await sandbox.api.change("setAppServiceEnabled", {"id": worker, "enabled": True}, CHANGED)
    await sandbox.api.change("deployInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    assert container(sandbox, "worker") is not None
    assert (await services(sandbox, id))["worker"]["state"] == "OK"


async def test_the_main_service_cannot_be_switched_off(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    web = (await services(sandbox, id))["web"]["id"]
    answer = await sandbox.api.change("setAppServiceEnabled", {"id": web, "enabled": False}, CHANGED)
    assert answer["appService"] is None
    assert [(one["code"], one["path"]) for one in answer["problems"]] == [("INVALID_INPUT", "input.enabled")]
    assert (await services(sandbox, id))["web"]["enabled"] is True


async def test_a_stale_version_of_an_app_service_is_refused(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    worker = await AppService.get(instance_id=id, name="worker")
    given = {"id": worker.id, "replicas": 2, "expectedVersion": worker.version - 1}
    answer = await sandbox.api.change("setAppServiceReplicas", given, CHANGED)
    assert [one["code"] for one in answer["problems"]] == ["VERSION_CONFLICT"]
    assert (await AppService.get(id=worker.id)).replicas is None
