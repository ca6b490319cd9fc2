"""What has become of an instance's objects in its cluster, and what others have put beside them."""

import base64
from typing import Any

from kube.clients import MERGE
from tests.kit.sandbox import Sandbox

DRIFT = """query($id: ID!) { node(id: $id) { ... on Instance { drift {
  checkedAt unavailable
  objects { kind name service missing managers fields { path applied found } }
  foreignObjects { kind name managers createdAt }
} } } }"""
PATH = "/api/v1/namespaces/shop-dev"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop-dev/deployments"


async def drift(sandbox: Sandbox, id: str) -> Any:
    return (await sandbox.api.query(DRIFT, id=id))["node"]["drift"]


async def patch(sandbox: Sandbox, path: str, body: dict[str, Any]) -> None:
    client = await sandbox.client()
    await client.request("PATCH", path, query={"fieldManager": "somebody"}, body=body, content_type=MERGE)


async def test_what_is_as_it_was_applied_has_no_drift(sandbox: Sandbox) -> None:
    found = await drift(sandbox, await sandbox.create())
    assert (found["unavailable"], found["objects"], found["foreignObjects"]) == (None, [], [])


async def test_a_changed_field_is_told_with_both_values_and_who_changed_it(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await patch(sandbox, f"{DEPLOYMENTS}/web", {"spec": {"replicas": 4}})
    await patch(sandbox, f"{DEPLOYMENTS}/worker", {"metadata": {"annotations": {"note": "not Berth's field"}}})
    assert (await drift(sandbox, id))["objects"] == [
        {
            "kind": "Deployment",
            "name": "web",
            "service": "web",
            "missing": False,
            "managers": ["somebody"],
            "fields": [{"path": "spec.replicas", "applied": "1", "found": "4"}],
        }
    ]


async def test_an_object_that_is_gone_is_missing_until_the_next_deployment(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await (await sandbox.client()).request("DELETE", f"{PATH}/services/web")
    [gone] = (await drift(sandbox, id))["objects"]
    assert (gone["kind"], gone["name"], gone["service"], gone["missing"]) == ("Service", "web", "web", True)
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    assert (await drift(sandbox, id))["objects"] == []


async def test_no_value_of_a_secret_is_told(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    [web, *_] = (
        await sandbox.api.query("query($id: ID!) { node(id: $id) { ... on Instance { services { id name } } } }", id=id)
    )["node"]["services"]
    given = {"id": web["id"], "variables": [{"name": "PASSWORD", "value": "hunter2", "secret": True}]}
    await sandbox.api.change("setAppServiceVariables", given, "problems { code message }")
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    client = await sandbox.client()
    [secret] = [
        one
        for one in (await client.request("GET", f"{PATH}/secrets"))["items"]
        if "PASSWORD" in (one.get("data") or {})
    ]
    theirs = base64.b64encode(b"theirs").decode()
    await patch(sandbox, f"{PATH}/secrets/{secret['metadata']['name']}", {"data": {"PASSWORD": theirs}})
    [changed] = (await drift(sandbox, id))["objects"]
    masked = '"********"'
    assert changed["fields"] == [{"path": "data.PASSWORD", "applied": masked, "found": masked}]
    await patch(sandbox, f"{PATH}/secrets/{secret['metadata']['name']}", {"data": None})
    said = str(await drift(sandbox, id))
    assert not any(value in said for value in ("hunter2", base64.b64encode(b"hunter2").decode(), theirs))


async def test_objects_of_others_are_shown(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    client = await sandbox.client()
    theirs = {"metadata": {"name": "theirs"}, "data": {"a": "b"}}
    await client.request("POST", f"{PATH}/configmaps", query={"fieldManager": "another-tool"}, body=theirs)
    [shown] = (await drift(sandbox, id))["foreignObjects"]
    assert (shown["kind"], shown["name"], shown["managers"]) == ("ConfigMap", "theirs", ["another-tool"])


async def test_a_cluster_that_does_not_answer_makes_it_unavailable(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    sandbox.simulator.fault("refuse")
    found = await drift(sandbox, id)
    assert "could not be reached" in found["unavailable"]
    assert (found["objects"], found["foreignObjects"]) == ([], [])


async def test_what_was_never_applied_has_no_drift(sandbox: Sandbox) -> None:
    sandbox.simulator.fault("status", path="/api/v1/namespaces", verb="create", code=403)
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    made = await sandbox.api.change("createInstance", given, "instance { id }")
    await sandbox.drain()
    assert (await drift(sandbox, made["instance"]["id"]))["objects"] == []
