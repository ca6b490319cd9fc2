"""Instances as they are read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import AppService, Instance, Variable
from rules.enums import ClusterState, InstanceState, Role, Scope, TaskState
from rules.states import OFFERED, Operation, judge
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")


async def test_a_list_shows_instances_with_their_app_and_services() -> None:
    world = await makers.world("acme", web={}, db={"type": "db"})
    await makers.instance(world, "dev")
    await makers.instance(world, "prod", InstanceState.AWAITING)
    data = await Api(world.owner).query(
        """{ instances(order: NAME) { totalCount nodes { name title namespace state outdated
             app { name organization { name } } environment { name type } cluster { name state }
             stackRevision { number stack { name } }
             services { name main enabled state replicas option } } } }"""
    )
    web = {"name": "web", "main": True, "enabled": True, "state": "OK", "replicas": 1, "option": "1.1"}
    db = {"name": "db", "main": False, "enabled": True, "state": "OK", "replicas": 1, "option": "1.1"}
    dev = {
        "name": "dev",
        "title": "Dev",
        "namespace": "shop-dev",
        "state": "OK",
        "outdated": False,
        "app": {"name": "shop", "organization": {"name": "acme"}},
        "environment": {"name": "dev", "type": "DEV"},
        "cluster": {"name": "main", "state": "CONNECTED"},
        "stackRevision": {"number": 1, "stack": {"name": "shop"}},
        "services": [web, db],
    }
    prod = {
        **dev,
        "name": "prod",
        "title": "Prod",
        "namespace": "shop-prod",
        "state": "AWAITING",
        "services": [{**web, "state": "NEW"}, {**db, "state": "NEW"}],
    }
    assert data == {"instances": {"totalCount": 2, "nodes": [dev, prod]}}


async def one(api: Api, id: str, selection: str) -> Any:
    data = await api.query(f"query($id: ID!) {{ node(id: $id) {{ ... on Instance {{ {selection} }} }} }}", id=id)
    return data["node"]


async def test_operations_answer_from_the_table_of_states() -> None:
    world = await makers.world("acme")
    asked = "operations { name allowed blockedBy { code message retryable remedy task { id } } }"
    for state in InstanceState:
        instance = await makers.instance(world, state.lower(), state)
        task = await makers.task(instance, TaskState.IN_PROGRESS)
        await makers.task(instance, TaskState.PENDING)
        await makers.task(instance, TaskState.DONE)
        shown = (await one(Api(world.owner), instance.id, asked))["operations"]
        assert [answer["name"] for answer in shown] == [operation.name for operation in OFFERED]
        for answer, operation in zip(shown, OFFERED, strict=True):
            refusal = judge(operation, state, task.id).refusal
            if refusal is None and operation is Operation.UPGRADE_STACK:
                assert answer["blockedBy"]["code"] == "STACK_REVISION_UNUSABLE"
            elif refusal is None:
                assert answer == {"name": operation, "allowed": True, "blockedBy": None}
            else:
                said = {"code": refusal.code, "message": refusal.message, "retryable": refusal.retryable}
                task_id = {"id": task.id} if refusal.retryable else None
                blocked = {**said, "remedy": refusal.remedy, "task": task_id}
                assert answer == {"name": operation, "allowed": False, "blockedBy": blocked}


@pytest.mark.parametrize(
    ("role", "scope", "allowed"),
    [
        (Role.READER, Scope.ADMIN, ["LIVE_LOGS", "PODS"]),
        (Role.OWNER, Scope.READ, ["LIVE_LOGS", "PODS"]),
        (Role.OWNER, Scope.OPERATE, ["DEPLOY", "UPGRADE_STACK", "LIVE_LOGS", "PODS"]),
        (
            Role.OWNER,
            Scope.CONFIGURE,
            [o.value for o in OFFERED if o not in (Operation.DELETE, Operation.FORCE_DELETE)],
        ),
        (Role.OWNER, Scope.ADMIN, [operation.value for operation in OFFERED]),
    ],
)
async def test_operations_answer_by_role_and_scope(role: Role, scope: Scope, allowed: list[str]) -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world)
    await makers.stack(world.organization, "shop", (await makers.service(world.organization),))
    viewer = await makers.viewer(world.organization, role=role, scope=scope)
    shown = (await one(Api(viewer), instance.id, "operations { name allowed blockedBy { code } }"))["operations"]
    assert [answer["name"] for answer in shown if answer["allowed"]] == allowed
    assert {answer["blockedBy"]["code"] for answer in shown if not answer["allowed"]} <= {"FORBIDDEN"}


async def test_an_instance_with_a_chart_cannot_be_deployed_until_that_service_is_off() -> None:
    chart = {"name": "search", "chart": "search", "version": "1.0.0"}
    world = await makers.world("acme", web={}, search={"helm": chart})
    instance = await makers.instance(world)
    asked = "operations { name allowed blockedBy { code message } }"
    shown = (await one(Api(world.owner), instance.id, asked))["operations"]
    deploy = next(item for item in shown if item["name"] == "DEPLOY")
    message = "The service 'search' is released by a Helm chart, which Berth cannot do yet."
    assert deploy["blockedBy"] == {"code": "HELM_UNAVAILABLE", "message": message}
    await AppService.filter(instance_id=instance.id, name="search").update(enabled=False)
    shown = (await one(Api(world.owner), instance.id, asked))["operations"]
    deploy = next(item for item in shown if item["name"] == "DEPLOY")
    assert deploy["allowed"] is True


async def test_an_address_forwards_a_port_to_the_main_endpoint_of_the_main_service() -> None:
    world = await makers.world("acme", web={}, db={"type": "db"})
    instance = await makers.instance(world)
    shown = await one(Api(world.owner), instance.id, "address { kind text }")
    text = "kubectl --namespace shop-dev port-forward service/web 8080:80"
    assert shown == {"address": {"kind": "PORT_FORWARD", "text": text}}
    await AppService.filter(instance_id=instance.id, main=True).update(enabled=False)
    assert await one(Api(world.owner), instance.id, "address { text }") == {"address": None}


async def test_a_service_without_endpoints_has_no_address() -> None:
    world = await makers.world("acme", web={"endpoints": []})
    instance = await makers.instance(world)
    assert await one(Api(world.owner), instance.id, "address { text }") == {"address": None}


async def test_an_errored_instance_says_why_and_what_to_do() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world, state=InstanceState.ERRORED)
    shown = await one(
        Api(world.owner), instance.id, "failure { summary hint task { id state failure { code step evidence } } }"
    )
    failure = {"code": "IMAGE_PULL", "step": "Wait until the pods are ready", "evidence": ["Back-off pulling image"]}
    assert shown["failure"] == {
        "summary": "The image could not be pulled.",
        "hint": "Correct the image's name.",
        "task": {"id": instance.failed_task_id, "state": "FAILED", "failure": failure},
    }
    healthy = await makers.instance(world, "fine")
    assert await one(Api(world.owner), healthy.id, "failure { summary } holding { kind }") == {
        "failure": None,
        "holding": [],
    }


async def test_an_instance_that_is_deleted_says_what_holds_it_up() -> None:
    world = await makers.world("acme")
    claim = {
        "kind": "PersistentVolumeClaim",
        "name": "data",
        "finalizers": ["kubernetes.io/pvc-protection"],
        "since": "2026-11-23T10:00:00+00:00",
        "message": "",
    }
    rest = {"kind": "Namespace", "name": "", "finalizers": [], "since": "", "message": "Some content remains."}
    instance = await makers.instance(world, state=InstanceState.DELETING, holding=[claim, rest])
    shown = await one(Api(world.owner), instance.id, "holding { kind name finalizers since message }")
    assert shown == {"holding": [claim, {**rest, "since": None}]}


async def test_capabilities_say_what_is_there_and_what_is_not_yet() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world)
    shown = (await one(Api(world.owner), instance.id, "capabilities { name available reason }"))["capabilities"]
    assert [item["name"] for item in shown if item["available"]] == ["TASKS", "LOGS"]
    assert all(item["reason"].endswith(".") is not item["available"] for item in shown)


@pytest.mark.parametrize(
    ("state", "age", "stale"),
    [
        (ClusterState.CONNECTED, 5, False),
        (ClusterState.CONNECTED, 61, True),
        (ClusterState.UNREACHABLE, 5, True),
        (ClusterState.CONNECTED, None, True),
    ],
)
async def test_a_runtime_is_stale_when_it_is_old_or_its_cluster_does_not_answer(
    state: ClusterState, age: int | None, stale: bool
) -> None:
    world = await makers.world("acme")
    await world.cluster.filter(id=world.cluster.id).update(state=state)
    instance = await makers.instance(world)
    seen = None if age is None else datetime.now(UTC) - timedelta(seconds=age)
    await AppService.filter(instance_id=instance.id).update(ready=1, desired=2, reason="One waits.", observed_at=seen)
    shown = await one(Api(world.owner), instance.id, "services { runtime { ready desired reason observedAt stale } }")
    runtime = {"ready": 1, "desired": 2, "reason": "One waits.", "stale": stale}
    assert shown == {"services": [{"runtime": {**runtime, "observedAt": seen and seen.isoformat()}}]}


async def test_an_app_service_shows_what_holds_of_override_stack_and_service() -> None:
    of = await makers.organization("acme")
    revision = await makers.service(of)
    stack = await makers.stack(of, "shop", (revision,), web={"replicas": 3, "options": [{"version": "1.0"}]})
    world = replace(await makers.world("other"), organization=of, stack=stack, app=await makers.app(of, "shop", stack))
    world = replace(world, environment=await makers.environment(of), cluster=await makers.cluster(of))
    api = Api(await makers.viewer(of))
    instance = await makers.instance(world)
    asked = "services { replicas option options endpoints { name main ports { name number protocol private } } }"
    port = {"name": "http", "number": 80, "protocol": "http", "private": False}
    endpoints = [{"name": "web", "main": True, "ports": [port]}]
    shown = {"replicas": 3, "option": "1.0", "options": ["1.0"], "endpoints": endpoints}
    assert await one(api, instance.id, asked) == {"services": [shown]}
    await AppService.filter(instance_id=instance.id).update(replicas=0, option_version="0.9")
    assert await one(api, instance.id, asked) == {"services": [{**shown, "replicas": 0, "option": "0.9"}]}


async def test_the_value_of_a_secret_variable_is_never_shown() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world)
    service = await AppService.get(instance_id=instance.id)
    await Variable.create(app_service_id=service.id, name="PASSWORD", sealed="k1:hunter2")
    await Variable.create(app_service_id=service.id, name="MODE", value="fast")
    shown = await one(Api(world.owner), instance.id, "services { variables { name secret value } }")
    mode = {"name": "MODE", "secret": False, "value": "fast"}
    assert shown == {"services": [{"variables": [mode, {"name": "PASSWORD", "secret": True, "value": None}]}]}


async def test_a_deleted_instance_is_gone_and_its_tasks_stay_with_its_app() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world)
    task = await makers.task(instance, TaskState.DONE)
    await Instance.filter(id=instance.id).update(deleted_at=datetime.now(UTC))
    data = await Api(world.owner).query(
        """query($i: ID!) { node(id: $i) { id } instance(app: "shop", name: "dev") { id } instances { totalCount }
             app(name: "shop") { instances { totalCount } tasks { nodes { id instance { id } } } } }""",
        i=instance.id,
    )
    tasks = {"nodes": [{"id": task.id, "instance": None}]}
    app = {"instances": {"totalCount": 0}, "tasks": tasks}
    assert data == {"node": None, "instance": None, "instances": {"totalCount": 0}, "app": app}
