"""An instance from its creation to its end, through the API and on a cluster."""

from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task {
  kind state progress failure { code summary step }
  jobs { name state steps { title state message } }
} } }"""


async def test_an_instance_is_created_deployed_and_deleted(sandbox: Sandbox) -> None:
    created = await sandbox.api.change(
        "createInstance",
        {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()},
        "instance { id state namespace } task { id state } problems { code message }",
    )
    assert created["problems"] == []
    assert created["instance"]["state"] == "CREATING"
    assert created["task"]["state"] == "QUEUED"

    await sandbox.drain()

    task = (await sandbox.api.query(TASK, id=created["task"]["id"]))["node"]
    assert task["failure"] is None
    assert (task["state"], task["progress"]) == ("DONE", 100)
    assert [(step["title"], step["state"]) for job in task["jobs"] for step in job["steps"]] == [
        ("Check the cluster", "DONE"),
        ("Create the namespace", "DONE"),
        ("Apply limits, policies, account, secrets and claims", "DONE"),
        ("Check the instance", "DONE"),
        ("Check what is to be applied", "DONE"),
        ("Apply the services", "DONE"),
        ("Wait until the pods are ready", "DONE"),
        ("Remove what is no longer part of it", "DONE"),
        ("Allow the pods no more than they need", "DONE"),
    ]
    assert await sandbox.state(created["instance"]["id"]) == "OK"

    deleted = await sandbox.api.change(
        "deleteInstance", {"id": created["instance"]["id"]}, "instance { state } task { id } problems { code }"
    )
    assert (deleted["problems"], deleted["instance"]["state"]) == ([], "DELETING")
    await sandbox.drain()
    task = (await sandbox.api.query(TASK, id=deleted["task"]["id"]))["node"]
    assert (task["state"], task["failure"]) == ("DONE", None)
    assert await sandbox.state(created["instance"]["id"]) is None
