"""Tasks: waiting, cancelled, repeated, timed out, failed with a cause, and ended once."""

from typing import Any

from models import Task
from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task {
  kind state progress warnings failure { code summary rootCause step evidence suggestedActions }
  jobs { name state steps { title state message } } repeats { id }
} } }"""
STARTED = "instance { id state } task { id state } problems { code message retryable }"


async def the_task(sandbox: Sandbox, id: str) -> Any:
    return (await sandbox.api.query(TASK, id=id))["node"]


async def start_creation(sandbox: Sandbox, name: str = "dev") -> Any:
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance(name)}
    return await sandbox.api.change("createInstance", given, STARTED)


async def test_a_task_that_waits_is_cancelled_before_it_began(sandbox: Sandbox) -> None:
    created = await start_creation(sandbox)
    canceled = await sandbox.api.change("cancelTask", {"id": created["task"]["id"]}, "task { state } problems { code }")
    assert canceled == {"task": {"state": "CANCELING"}, "problems": []}

    await sandbox.drain()

    task = await the_task(sandbox, created["task"]["id"])
    assert (task["state"], task["failure"]["code"]) == ("CANCELED", "CANCELED")
    assert {step["state"] for job in task["jobs"] for step in job["steps"]} == {"SKIPPED"}
    assert await sandbox.state(created["instance"]["id"]) == "ERRORED"


async def test_cancelling_twice_changes_nothing_more(sandbox: Sandbox) -> None:
    created = await start_creation(sandbox)
    given = {"id": created["task"]["id"]}
    await sandbox.api.change("cancelTask", given, "problems { code }")
    number = (await Task.get(id=given["id"])).seq
    again = await sandbox.api.change("cancelTask", given, "task { state } problems { code }")
    assert again == {"task": {"state": "CANCELING"}, "problems": []}
    assert (await Task.get(id=given["id"])).seq == number
    await sandbox.drain()
    ended = await sandbox.api.change("cancelTask", given, "task { state } problems { code }")
    assert ended == {"task": {"state": "CANCELED"}, "problems": []}


async def test_a_task_that_ended_cannot_be_cancelled(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    task = await Task.get(instance_id=id)
    answer = await sandbox.api.change("cancelTask", {"id": task.id}, "task { id } problems { code message }")
    assert answer == {
        "task": None,
        "problems": [{"code": "TASK_ENDED", "message": "The task has ended: it is DONE."}],
    }


async def test_a_creation_that_cannot_finish_leaves_an_errored_instance_that_can_be_made_anew(
    sandbox: Sandbox,
) -> None:
    sandbox.simulator.state.faults.add(fault="deny", verb="create", path="/api/v1/namespaces")
    created = await start_creation(sandbox)
    await sandbox.drain()
    id = created["instance"]["id"]
    assert await sandbox.state(id) == "ERRORED"
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Instance { failure { summary hint task { id state } } } } }", id=id
    )
    assert shown["node"]["failure"]["task"] == {"id": created["task"]["id"], "state": "FAILED"}
    assert shown["node"]["failure"]["hint"] == "Grant Berth's account the rights that the cluster's test names."

    sandbox.simulator.state.faults.clear()
    await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    await sandbox.drain()
    assert await sandbox.state(id) is None
    assert await sandbox.state(await sandbox.create()) == "OK"


async def test_a_first_deployment_that_fails_leaves_the_instance_awaiting(sandbox: Sandbox) -> None:
    sandbox.simulator.state.behaviours.add(image="*worker*", pull="not found")
    created = await start_creation(sandbox)
    await sandbox.drain()
    task = await the_task(sandbox, created["task"]["id"])
    assert task["state"] == "FAILED"
    assert task["failure"]["code"] == "IMAGE_PULL_FAILED"
    assert task["failure"]["step"] == "Wait until the pods are ready"
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Instance { state services { name state needsRedeploy } } } }",
        id=created["instance"]["id"],
    )
    assert shown["node"] == {
        "state": "AWAITING",
        "services": [
            {"name": "web", "state": "NEW", "needsRedeploy": True},
            {"name": "worker", "state": "ERRORED", "needsRedeploy": True},
            {"name": "cache", "state": "NEW", "needsRedeploy": True},
        ],
    }

    sandbox.simulator.state.behaviours.clear()
    changed = {"id": await service_id(sandbox, created), "optionVersion": "1.0"}
    await sandbox.api.change("setAppServiceVersion", changed, "problems { code }")
    deployed = await sandbox.api.change("deployInstance", {"id": created["instance"]["id"]}, STARTED)
    assert deployed["instance"]["state"] == "DEPLOYING"
    await sandbox.drain()
    assert (await the_task(sandbox, deployed["task"]["id"]))["failure"] is None
    assert await sandbox.state(created["instance"]["id"]) == "OK"


async def service_id(sandbox: Sandbox, created: Any) -> str:
    shown = await sandbox.api.query(
        "query($id: ID!) { node(id: $id) { ... on Instance { services { id name } } } }", id=created["instance"]["id"]
    )
    return str(next(one["id"] for one in shown["node"]["services"] if one["name"] == "worker"))


async def test_deployments_wait_for_each_other(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    first = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    second = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    assert (first["task"]["state"], second["task"]["state"]) == ("QUEUED", "PENDING")
    await sandbox.drain()
    assert (await the_task(sandbox, first["task"]["id"]))["state"] == "DONE"
    assert (await the_task(sandbox, second["task"]["id"]))["state"] == "DONE"
    assert await sandbox.state(id) == "OK"


async def test_a_deployment_supersedes_the_one_before_it(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    first = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    second = await sandbox.api.change("deployInstance", {"id": id, "onConflict": "SUPERSEDE"}, STARTED)
    await sandbox.drain()
    assert (await the_task(sandbox, first["task"]["id"]))["state"] == "CANCELED"
    assert (await the_task(sandbox, second["task"]["id"]))["state"] == "DONE"
    assert await sandbox.state(id) == "OK"


async def test_a_deployment_that_must_not_wait_is_refused(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    first = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    refused = await sandbox.api.change(
        "deployInstance",
        {"id": id, "onConflict": "REJECT"},
        "task { id } problems { code retryable ... on OperationBlocked { task { id } } }",
    )
    assert refused == {
        "task": None,
        "problems": [{"code": "OPERATION_BLOCKED", "retryable": True, "task": {"id": first["task"]["id"]}}],
    }


async def test_a_deployment_is_repeated_and_a_creation_is_not(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    creation = await Task.get(instance_id=id)
    refused = await sandbox.api.change("repeatTask", {"id": creation.id}, "task { id } problems { code }")
    assert refused == {"task": None, "problems": [{"code": "TASK_NOT_REPEATABLE"}]}
    first = await sandbox.api.change("deployInstance", {"id": id}, STARTED)
    early = await sandbox.api.change("repeatTask", {"id": first["task"]["id"]}, "problems { code retryable }")
    assert early == {"problems": [{"code": "TASK_RUNNING", "retryable": True}]}
    await sandbox.drain()
    again = await sandbox.api.change("repeatTask", {"id": first["task"]["id"]}, "task { id } problems { code }")
    assert again["problems"] == []
    await sandbox.drain()
    task = await the_task(sandbox, again["task"]["id"])
    assert (task["state"], task["repeats"]) == ("DONE", {"id": first["task"]["id"]})


async def test_deleting_cancels_what_runs_and_a_second_delete_answers_with_the_first(sandbox: Sandbox) -> None:
    created = await start_creation(sandbox)
    id = created["instance"]["id"]
    first = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    second = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    assert first["task"]["id"] == second["task"]["id"]
    await sandbox.drain()
    assert (await the_task(sandbox, created["task"]["id"]))["state"] == "CANCELED"
    assert (await the_task(sandbox, first["task"]["id"]))["state"] == "DONE"
    assert await sandbox.state(id) is None
