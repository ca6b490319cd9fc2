"""The table of states, run through the API: what `operations` says is what the mutation does."""

from typing import Any

import pytest

from models import AppService, Instance
from rules.enums import InstanceState, TaskState
from rules.states import OFFERED, Operation
from tests.kit import makers
from tests.kit.sandbox import Sandbox
from tests.kit.stored import everything_stored

OPERATIONS = """query($id: ID!) { node(id: $id) { ... on Instance {
  operations { name allowed blockedBy { code message retryable task { id } remedy } } } } }"""
BUSY = {
    InstanceState.CREATING: "CREATE_INSTANCE",
    InstanceState.DEPLOYING: "DEPLOY_INSTANCE",
    InstanceState.IMPORTING: "IMPORT",
    InstanceState.DELETING: "DELETE_INSTANCE",
}
PROBLEM = "problems { code message remedy retryable ... on OperationBlocked { task { id } } }"


async def a_request(operation: Operation, instance: Instance) -> tuple[str, dict[str, Any]]:
    """The mutation of an operation, and an input that nothing but the state can be against."""
    service = await AppService.get(instance_id=instance.id, name="worker")
    match operation:
        case Operation.RENAME:
            return "renameInstance", {"id": instance.id, "title": "Another title"}
        case Operation.DELETE:
            return "deleteInstance", {"id": instance.id}
        case Operation.FORCE_DELETE:
            return "deleteInstance", {"id": instance.id, "force": True}
        case Operation.DEPLOY:
            return "deployInstance", {"id": instance.id}
        case Operation.UPGRADE_STACK:
            return "upgradeInstance", {"id": instance.id}
        case Operation.SET_VARIABLES:
            return "setAppServiceVariables", {"id": service.id, "variables": [{"name": "A", "value": "b"}]}
        case Operation.SET_REPLICAS:
            return "setAppServiceReplicas", {"id": service.id, "replicas": 2}
        case Operation.SET_VERSION:
            return "setAppServiceVersion", {"id": service.id, "optionVersion": "1.0"}
    assert operation is Operation.SET_ENABLED
    return "setAppServiceEnabled", {"id": service.id, "enabled": False}


async def in_state(sandbox: Sandbox, state: InstanceState) -> Instance:
    """An instance in a state, with the task that belongs to it, and a newer revision of its stack."""
    instance = await makers.instance(sandbox.world, state=state)
    if state in BUSY:
        await makers.task(instance, TaskState.IN_PROGRESS, kind=BUSY[state])
    services = [
        await makers.service(sandbox.world.organization, name, makers.service_manifest(name, **more))
        for name, more in (("web", {}), ("worker", {}), ("cache", {"scalable": False}))
    ]
    await makers.stack(sandbox.world.organization, "shop", tuple(services))
    return instance


@pytest.mark.parametrize("state", list(InstanceState))
@pytest.mark.parametrize("operation", [one for one in OFFERED if one not in (Operation.LIVE_LOGS, Operation.PODS)])
async def test_a_mutation_does_what_operations_says(
    sandbox: Sandbox, state: InstanceState, operation: Operation
) -> None:
    instance = await in_state(sandbox, state)
    listed = (await sandbox.api.query(OPERATIONS, id=instance.id))["node"]["operations"]
    assert [one["name"] for one in listed] == [one.value for one in OFFERED]
    said = next(one for one in listed if one["name"] == operation)
    mutation, given = await a_request(operation, instance)

    before = await everything_stored(sandbox.simulator)
    problems = (await sandbox.api.change(mutation, given, PROBLEM))["problems"]
    after = await everything_stored(sandbox.simulator)

    if said["allowed"]:
        assert problems == []
        answered_as_it_is = state is InstanceState.DELETING and operation is Operation.DELETE
        assert (before == after) == answered_as_it_is
    else:
        blocked = said["blockedBy"]
        assert problems == [blocked]
        assert before == after
