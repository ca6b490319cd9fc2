"""Deletions that are held up: shown, errored, repeated, and given up by force."""

from typing import Any

import pytest

from jobs import delete_instance
from models import AbandonedNamespace, Task
from rules.enums import TaskState
from settings import Settings
from simulator.kinds import NAMESPACES
from tests.kit.sandbox import Sandbox

SHOWN = """query($id: ID!) { node(id: $id) { ... on Instance { state
  holding { kind name finalizers } failure { summary task { state failure { code } } } } } }"""


async def shown(sandbox: Sandbox, id: str) -> Any:
    return (await sandbox.api.query(SHOWN, id=id))["node"]


async def an_instance_that_is_held(sandbox: Sandbox) -> str:
    """An instance with a Service that has a finalizer which nobody removes."""
    sandbox.simulator.fault("hold", path="services/web")
    return await sandbox.create()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deletions have a short deadline in this test."""
    monkeypatch.setattr("jobs.graph.settings", lambda: Settings(delete_deadline=0.7))
    monkeypatch.setattr(delete_instance, "_LAST_LOOK", 0.3)


async def test_what_holds_a_namespace_up_is_shown_and_then_the_instance_is_errored(
    sandbox: Sandbox, impatient: None
) -> None:
    id = await an_instance_that_is_held(sandbox)
    await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    found = await shown(sandbox, id)
    assert found["state"] == "ERRORED"
    assert found["failure"]["task"] == {"state": "TIMED_OUT", "failure": {"code": "DEADLINE_EXCEEDED"}}
    assert found["holding"] == [{"kind": "Service", "name": "web", "finalizers": ["simulator.example/held"]}]


async def test_a_deletion_can_be_repeated_when_the_cause_is_gone(sandbox: Sandbox, impatient: None) -> None:
    id = await an_instance_that_is_held(sandbox)
    deleted = await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    sandbox.simulator.clear_faults()
    await sandbox.let_go("shop-dev")
    again = await sandbox.api.change("repeatTask", {"id": deleted["task"]["id"]}, "problems { code } task { id }")
    assert again["problems"] == []
    await sandbox.drain()
    assert await sandbox.state(id) is None


async def test_force_gives_up_on_the_cluster_and_keeps_the_name_blocked(sandbox: Sandbox, impatient: None) -> None:
    id = await an_instance_that_is_held(sandbox)
    forced = await sandbox.api.change("deleteInstance", {"id": id, "force": True}, "task { id } problems { code }")
    assert forced["problems"] == []
    await sandbox.drain()

    assert await sandbox.state(id) is None
    task = await Task.get(id=forced["task"]["id"])
    assert task.state == TaskState.DONE_WITH_WARNINGS
    assert task.warnings[0].startswith("The namespace shop-dev may still be on the cluster")
    left = await AbandonedNamespace.get(namespace="shop-dev")
    assert left.instance_id == id
    refused = await sandbox.api.change(
        "createInstance",
        {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()},
        "problems { code }",
    )
    assert refused["problems"] == [{"code": "NAMESPACE_TAKEN"}]


async def test_force_supersedes_a_deletion_that_runs(sandbox: Sandbox, impatient: None) -> None:
    id = await an_instance_that_is_held(sandbox)
    first = await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    second = await sandbox.api.change("deleteInstance", {"id": id, "force": True}, "task { id }")
    assert first["task"]["id"] != second["task"]["id"]
    await sandbox.drain()
    assert (await Task.get(id=first["task"]["id"])).state == TaskState.CANCELED
    assert await sandbox.state(id) is None


async def test_a_namespace_that_is_gone_already_is_success(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    cluster = await sandbox.client()
    await cluster.request("DELETE", "/api/v1/namespaces/shop-dev")
    await sandbox.until_gone("shop-dev")
    await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    assert await sandbox.state(id) is None


async def test_a_foreign_namespace_is_never_taken_over_and_never_deleted(sandbox: Sandbox) -> None:
    cluster = await sandbox.client()
    await cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "shop-dev"}})
    id = await sandbox.create()
    found = await shown(sandbox, id)
    assert found["state"] == "ERRORED"
    assert found["failure"]["task"]["failure"] == {"code": "NAMESPACE_FOREIGN"}
    await sandbox.api.change("deleteInstance", {"id": id}, "task { id }")
    await sandbox.drain()
    assert await sandbox.state(id) is None
    names = [one["metadata"]["name"] for one in sandbox.simulator.store.objects(NAMESPACES)]
    assert "shop-dev" in names
