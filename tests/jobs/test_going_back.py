"""A deployment that fails: what ran well before runs again, and the task says so."""

from collections.abc import Callable
from typing import Any

import pytest
from tortoise.connection import get_connection

from jobs import confine, going_back
from models.lease import LeaseLost
from simulator.kinds import DEPLOYMENTS
from tests.kit import makers
from tests.kit.chosen import Choose
from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task { state attempt failure { code summary step wentBack } } } }"""
SERVICES = """query($id: ID!) { node(id: $id) { ... on Instance {
  state outdated services { name state needsRedeploy } manifests { kind name yaml }
} } }"""


async def publish(sandbox: Sandbox, **services: dict[str, Any]) -> None:
    of = sandbox.world.organization
    made = [await makers.service(of, name, makers.service_manifest(name, **more)) for name, more in services.items()]
    await makers.stack(of, "shop", tuple(made))


def running(name: str, image: str, **more: Any) -> dict[str, Any]:
    """What replaces the workloads of a service."""
    container = {"name": name, "image": image, **more}
    return {"workloads": [{"name": name, "kind": "deployment", "primary": True, "containers": [container]}]}


def images(sandbox: Sandbox) -> dict[str, str]:
    """The image of each deployment in the cluster."""
    found = sandbox.simulator.store.objects(DEPLOYMENTS, "shop-dev")
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"].partition(":")[0]
        for one in found
    }


async def upgraded(sandbox: Sandbox, id: str) -> Any:
    """The task of an upgrade, when it is through."""
    started = await sandbox.api.change("upgradeInstance", {"id": id}, "task { id } problems { code }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]


@pytest.fixture
async def broken(sandbox: Sandbox) -> str:
    """An instance that runs, and a newer stack: web has a broken image in it, worker a good one."""
    await publish(sandbox, web={}, worker={}, cache={})
    id = await sandbox.create()
    sandbox.simulator.behave("*broken*", pull="not found")
    await publish(
        sandbox,
        web=running("web", "registry.local/broken"),
        worker=running("worker", "registry.local/newer"),
        cache={},
    )
    return id


async def test_services_run_again_what_they_ran_and_the_task_says_so(sandbox: Sandbox, broken: str) -> None:
    before = images(sandbox)
    task = await upgraded(sandbox, broken)
    assert (task["state"], task["failure"]["code"], task["failure"]["step"]) == (
        "FAILED", "IMAGE_PULL_FAILED", "Wait until the pods are ready",
    )  # fmt: skip
    assert task["failure"]["wentBack"] == ["web", "worker"]
    assert images(sandbox) == before
    shown = (await sandbox.api.query(SERVICES, id=broken))["node"]
    assert (shown["state"], {(one["name"], one["state"]) for one in shown["services"]}) == (
        "OK", {("web", "OK"), ("worker", "OK"), ("cache", "OK")},
    )  # fmt: skip
    assert {one["name"] for one in shown["services"] if one["needsRedeploy"]} == {"web", "worker", "cache"}
    applied = {one["name"]: one["yaml"] for one in shown["manifests"] if one["kind"] == "Deployment"}
    assert "broken" not in applied["web"]
    sandbox.simulator.behaviours.clear()
    sandbox.simulator.state.changed()
    deployed = await sandbox.api.change("deployInstance", {"id": broken}, "task { id }")
    await sandbox.drain()
    assert (await sandbox.api.query(TASK, id=deployed["task"]["id"]))["node"]["state"] == "DONE"
    assert images(sandbox)["web"] == "registry.local/broken"


async def test_a_worker_that_takes_over_goes_on_with_going_back(
    sandbox: Sandbox, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = images(sandbox)
    putting = going_back._put_back
    lost: list[object] = []

    async def lose_the_lease_once(*given: Any) -> None:
        await putting(*given)
        if not lost:
            lost.append(given)
            raise LeaseLost("another worker's")

    monkeypatch.setattr(going_back, "_put_back", lose_the_lease_once)
    started = await sandbox.api.change("upgradeInstance", {"id": broken}, "task { id } problems { code }")
    await sandbox.drain()
    expired = "UPDATE task SET lease_until = now() - interval '1 hour' WHERE id = $1"
    await get_connection("default").execute_query(expired, [started["task"]["id"]])
    await sandbox.drain()
    task = (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]
    assert (task["state"], task["attempt"], task["failure"]["code"]) == ("FAILED", 2, "IMAGE_PULL_FAILED")
    assert task["failure"]["wentBack"] == ["web", "worker"]
    assert images(sandbox) == before


async def test_what_the_deployment_added_to_a_service_is_taken_away(sandbox: Sandbox) -> None:
    await publish(sandbox, web={})
    id = await sandbox.create()
    sandbox.simulator.behave("*broken*", pull="not found")
    more = running("web", "registry.local/broken")
    second = {"name": "second", "kind": "deployment", "containers": [{"name": "c", "image": "registry.local/second"}]}
    more["workloads"].append(second)
    await publish(sandbox, web=more)
    assert (await upgraded(sandbox, id))["failure"]["wentBack"] == ["web"]
    assert list(images(sandbox)) == ["web"]


async def test_a_first_deployment_has_nothing_to_go_back_to(sandbox: Sandbox) -> None:
    sandbox.simulator.behave("*worker*", pull="not found")
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, "task { id }")
    await sandbox.drain()
    failure = (await sandbox.api.query(TASK, id=created["task"]["id"]))["node"]["failure"]
    assert (failure["code"], failure["wentBack"]) == ("IMAGE_PULL_FAILED", [])


@pytest.fixture
def impatient(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Steps that soon give up what fails again and again."""
    choose(patience=0.3)
    return monkeypatch


def from_then_on(chosen: pytest.MonkeyPatch, module: Any, name: str, then: Callable[[], object]) -> None:
    """Has something happen just before a function does its work."""
    real = getattr(module, name)

    async def after(*given: Any, **more: Any) -> Any:
        then()
        return await real(*given, **more)

    chosen.setattr(module, name, after)


async def log_of(step: str) -> str:
    rows = await get_connection("default").execute_query_dict(
        "SELECT l.message FROM log_line l JOIN step s ON s.id = l.step_id WHERE s.title = $1", [step]
    )
    return "\n".join(row["message"] for row in rows)


async def test_what_was_half_applied_goes_back_when_the_cluster_goes_on_failing(
    sandbox: Sandbox, broken: str, impatient: pytest.MonkeyPatch
) -> None:
    before, faults = images(sandbox), sandbox.simulator.state.faults
    half: list[dict[str, str]] = []

    def mend() -> None:
        half.append(images(sandbox))
        faults.clear()

    fails = {"fault": "status", "verb": "patch", "path": "*/deployments/worker", "code": 500}
    from_then_on(impatient, confine, "loosen", lambda: faults.add(**fails))
    from_then_on(impatient, going_back, "_put_back", mend)
    task = await upgraded(sandbox, broken)
    assert (task["state"], task["failure"]["code"], task["failure"]["step"]) == (
        "FAILED", "CLUSTER_FAULT", "Apply the services",
    )  # fmt: skip
    assert half[0]["web"] == "registry.local/broken"
    assert task["failure"]["wentBack"] == ["web", "worker"]
    assert images(sandbox) == before


async def test_a_step_without_time_goes_back_in_what_was_left_for_it(
    sandbox: Sandbox, broken: str, choose: Choose, impatient: pytest.MonkeyPatch
) -> None:
    before, faults = images(sandbox), sandbox.simulator.state.faults
    slow = {"fault": "slow", "verb": "patch", "path": "*/deployments/worker", "seconds": 60.0}
    from_then_on(impatient, confine, "loosen", lambda: faults.add(**slow))
    from_then_on(impatient, going_back, "_put_back", faults.clear)
    choose(deploy_deadline=8)
    task = await upgraded(sandbox, broken)
    assert (task["state"], task["failure"]["code"], task["failure"]["step"]) == (
        "TIMED_OUT", "DEADLINE_EXCEEDED", "Apply the services",
    )  # fmt: skip
    assert task["failure"]["wentBack"] == ["web", "worker"]
    assert images(sandbox) == before


async def test_the_cause_stays_the_cause_when_the_cluster_fails_while_it_is_put_right(
    sandbox: Sandbox, broken: str, impatient: pytest.MonkeyPatch
) -> None:
    fails = {"fault": "status", "verb": "patch", "path": "*/deployments/*", "code": 500}
    from_then_on(impatient, going_back, "_put_back", lambda: sandbox.simulator.state.faults.add(**fails))
    task = await upgraded(sandbox, broken)
    assert (task["state"], task["failure"]["code"], task["failure"]["wentBack"]) == ("FAILED", "IMAGE_PULL_FAILED", [])
    assert task["failure"]["summary"] == "The service web does not run as it should."
    assert "What ran before could not be put back: Deployment web: Internal error" in await log_of(
        "Wait until the pods are ready"
    )


@pytest.mark.parametrize("slow", [True, False], ids=["the cluster is slow", "it does not come up again"])
async def test_the_cause_stays_the_cause_when_there_is_no_time_to_put_it_right(
    sandbox: Sandbox, broken: str, choose: Choose, impatient: pytest.MonkeyPatch, slow: bool
) -> None:
    choose(deploy_deadline=6)

    def trouble() -> None:
        if slow:
            path = "*/deployments/*"
            sandbox.simulator.state.faults.add(fault="slow", verb="patch", path=path, seconds=60.0)
        else:
            sandbox.simulator.behave("*", start=60.0)

    from_then_on(impatient, going_back, "_put_back", trouble)
    task = await upgraded(sandbox, broken)
    assert (task["state"], task["failure"]["code"]) == ("FAILED", "IMAGE_PULL_FAILED")
    assert set(task["failure"]["wentBack"]) < {"web", "worker"}
    said = await log_of("Wait until the pods are ready")
    assert ("What ran before could not be put back: It did not end before its deadline." in said) is slow
