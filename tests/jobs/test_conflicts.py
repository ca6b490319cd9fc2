"""Fields that something else in the cluster has set are not taken over, unless that is asked for."""

from typing import Any

from kube.clients import APPLY
from kube.resources import DEPLOYMENT
from models import AppService
from tests.kit.sandbox import Sandbox

TASK = """query($id: ID!) { node(id: $id) { ... on Task {
  state failure { code summary rootCause evidence suggestedActions step } } } }"""


async def scaled_by_somebody(sandbox: Sandbox) -> None:
    """Another program takes the number of the worker's replicas."""
    client = await sandbox.client()
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker", "namespace": "shop-dev"},
        "spec": {"replicas": 3},
    }
    query: dict[str, str | bool] = {"fieldManager": "autoscaler", "force": True}
    await client.request("PATCH", DEPLOYMENT.path("shop-dev", "worker"), query=query, body=body, content_type=APPLY)


async def deployed(sandbox: Sandbox, id: str, **more: Any) -> Any:
    started = await sandbox.api.change("deployInstance", {"id": id, **more}, "task { id } problems { code }")
    assert started["problems"] == []
    await sandbox.drain()
    return (await sandbox.api.query(TASK, id=started["task"]["id"]))["node"]


async def test_a_conflict_fails_the_task_with_the_owners_and_force_as_remedy(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await scaled_by_somebody(sandbox)
    assert await deployed(sandbox, id) == {
        "state": "FAILED",
        "failure": {
            "code": "CLUSTER_CONFLICT",
            "summary": "Something else in the cluster has set fields of Deployment/worker, "
            "and nothing was taken from it.",
            "rootCause": "Kubernetes keeps who set which field, and names autoscaler.",
            "evidence": ["autoscaler owns .spec.replicas of Deployment/worker"],
            "suggestedActions": [
                "Deploy with force: true to take these fields over.",
                "Or have autoscaler give them up, and deploy again.",
            ],
            "step": "Check what is to be applied",
        },
    }
    client = await sandbox.client()
    found = await client.request("GET", DEPLOYMENT.path("shop-dev", "worker"))
    assert found["spec"]["replicas"] == 3
    assert (await AppService.get(instance_id=id, name="worker")).state == "ERRORED"
    assert (await AppService.get(instance_id=id, name="web")).state == "OK"


async def test_force_takes_the_fields_over(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await scaled_by_somebody(sandbox)
    assert await deployed(sandbox, id, force=True) == {"state": "DONE", "failure": None}
    client = await sandbox.client()
    found = await client.request("GET", DEPLOYMENT.path("shop-dev", "worker"))
    assert found["spec"]["replicas"] == 1
    assert await sandbox.state(id) == "OK"
