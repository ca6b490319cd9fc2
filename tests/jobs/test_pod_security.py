"""The level of pod security follows what runs: loosened before anything is applied, tightened when all is through."""

from typing import Any

from simulator.kinds import NAMESPACES, PODS
from simulator.security import LABEL
from tests.kit import makers
from tests.kit.sandbox import Sandbox

SHOWN = """query($id: ID!) { node(id: $id) { ... on Instance { state podSecurity { level reason services } } } }"""
TASK = """query($id: ID!) { node(id: $id) { ... on Task { state failure { code }
  jobs { steps { logs(first: 100) { nodes { message } } } } } } }"""


def rootless(name: str, image: str = "") -> dict[str, Any]:
    """The workload of a service that names its container's user."""
    container = {"name": name, "image": f"registry.local/{image or name}", "runAsUser": 1000}
    return {"workloads": [{"name": name, "kind": "deployment", "primary": True, "containers": [container]}]}


async def publish(sandbox: Sandbox, **services: dict[str, Any]) -> None:
    of = sandbox.world.organization
    made = [await makers.service(of, name, makers.service_manifest(name, **more)) for name, more in services.items()]
    await makers.stack(of, "shop", tuple(made))


async def upgrade(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """The task of an upgrade, when it is through."""
    started = await sandbox.api.change("upgradeInstance", {"id": id}, "task { id } problems { code message }")
    assert started["problems"] == []
    await sandbox.drain()
    task: dict[str, Any] = (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]
    return task


def said(task: dict[str, Any]) -> list[str]:
    lines = [line["message"] for job in task["jobs"] for step in job["steps"] for line in step["logs"]["nodes"]]
    return [line for line in lines if "pod security" in line]


async def shown(sandbox: Sandbox, id: str) -> Any:
    return (await sandbox.api.query(SHOWN, id=id))["node"]["podSecurity"]


def enforced(sandbox: Sandbox) -> str:
    [found] = [one for one in sandbox.simulator.store.objects(NAMESPACES) if one["metadata"]["name"] == "shop-dev"]
    level: str = found["metadata"]["labels"][LABEL]
    return level


def pods(sandbox: Sandbox, service: str) -> set[str]:
    found = sandbox.simulator.store.objects(PODS, "shop-dev")
    return {one["metadata"]["uid"] for one in found if one["metadata"]["labels"]["berth.dev/service"] == service}


RESTRICTED = {"level": "RESTRICTED", "reason": "Every container runs as a user that its service names.", "services": []}
BASELINE = {
    "level": "BASELINE",
    "reason": "Containers of worker may start as root: their services name no user.",
    "services": ["worker"],
}


async def test_a_new_instance_enforces_the_strictest_level_that_its_services_allow(sandbox: Sandbox) -> None:
    await publish(sandbox, web=rootless("web"), worker=rootless("worker"))
    strict = await sandbox.create()
    assert (await shown(sandbox, strict), enforced(sandbox)) == (RESTRICTED, "restricted")


async def test_an_instance_whose_services_name_no_user_says_which(sandbox: Sandbox) -> None:
    await publish(sandbox, web=rootless("web"), worker={})
    id = await sandbox.create()
    assert (await shown(sandbox, id), enforced(sandbox)) == (BASELINE, "baseline")


async def test_the_level_follows_the_services_and_restarts_no_other(sandbox: Sandbox) -> None:
    await publish(sandbox, web=rootless("web"))
    id = await sandbox.create()
    before = pods(sandbox, "web")
    await publish(sandbox, web=rootless("web"), worker={})
    task = await upgrade(sandbox, id)
    assert said(task) == ['The namespace enforces the pod security level "baseline": worker may start as root.']
    assert (await shown(sandbox, id), enforced(sandbox)) == (BASELINE, "baseline")
    await publish(sandbox, web=rootless("web"))
    task = await upgrade(sandbox, id)
    assert said(task) == ['The namespace enforces the pod security level "restricted".']
    assert (await shown(sandbox, id), enforced(sandbox)) == (RESTRICTED, "restricted")
    assert pods(sandbox, "web") == before


async def test_a_deployment_that_fails_leaves_the_level_that_the_pods_before_it_need(sandbox: Sandbox) -> None:
    await publish(sandbox, web=rootless("web"), worker={})
    id = await sandbox.create()
    sandbox.simulator.behave("*nope*", pull="not found")
    await publish(sandbox, web=rootless("web", "nope"), worker=rootless("worker"))
    assert (await upgrade(sandbox, id))["failure"] == {"code": "IMAGE_PULL_FAILED"}
    assert (await shown(sandbox, id), enforced(sandbox)) == (BASELINE, "baseline")
    await publish(sandbox, web=rootless("web"), worker=rootless("worker"))
    assert (await upgrade(sandbox, id))["state"] == "DONE"
    assert (await shown(sandbox, id), enforced(sandbox)) == (RESTRICTED, "restricted")
