"""What a new app or instance may not be: one clear problem each, and nothing changed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from models import AbandonedNamespace, AppService, Cluster, Instance
from rules.enums import Role
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox
from tests.kit.stored import everything_stored

PROBLEMS = "instance { id } task { id } problems { __typename code message path retryable }"
Given = dict[str, Any]
Case = Callable[[Sandbox], Awaitable[Given]]


async def a_name_with_capitals(sandbox: Sandbox) -> Given:
    return sandbox.new_instance("Dev")


async def a_name_that_ends_with_a_hyphen(sandbox: Sandbox) -> Given:
    return sandbox.new_instance("dev-")


async def a_taken_name(sandbox: Sandbox) -> Given:
    await makers.instance(sandbox.world, "dev")
    return sandbox.new_instance("dev")


async def a_long_namespace(sandbox: Sandbox) -> Given:
    return sandbox.new_instance("d" * 59)


async def a_colliding_namespace(sandbox: Sandbox) -> Given:
    other = await makers.app(sandbox.world.organization, "shop-a", sandbox.world.stack)
    uid = (await Cluster.get(id=sandbox.world.cluster.id)).uid
    held = await makers.instance(sandbox.world, "b", app=other)
    held.cluster_uid = uid
    await held.save(update_fields=["cluster_uid"])
    return sandbox.new_instance("a-b")


async def a_foreign_colliding_namespace(sandbox: Sandbox) -> Given:
    other = await makers.world("others")
    uid = (await Cluster.get(id=sandbox.world.cluster.id)).uid
    held = await makers.instance(other, "dev")
    held.cluster_uid = uid
    await held.save(update_fields=["cluster_uid"])
    return sandbox.new_instance("dev")


async def an_abandoned_namespace(sandbox: Sandbox) -> Given:
    gone = await makers.instance(sandbox.world, "gone")
    await AbandonedNamespace.create(
        organization_id=gone.organization_id,
        cluster_id=gone.cluster_id,
        cluster_uid=(await Cluster.get(id=gone.cluster_id)).uid,
        namespace="shop-dev",
        instance_id=gone.id,
        task_id=(await makers.task(gone)).id,
    )
    return sandbox.new_instance("dev")


async def a_draft(sandbox: Sandbox) -> Given:
    service = await makers.service(sandbox.world.organization, "web")
    draft = await makers.stack(sandbox.world.organization, "shop", (service,), draft=True)
    return sandbox.new_instance(stackRevisionId=draft.id)


async def a_revision_of_another_stack(sandbox: Sandbox) -> Given:
    other = await makers.stack(sandbox.world.organization, "other")
    return sandbox.new_instance(stackRevisionId=other.id)


async def an_unreachable_cluster(sandbox: Sandbox) -> Given:
    await Cluster.filter(id=sandbox.world.cluster.id).update(state="UNREACHABLE", state_reason="It does not answer.")
    return sandbox.new_instance()


async def another_tenant_s_cluster(sandbox: Sandbox) -> Given:
    return {**sandbox.new_instance(), "clusterId": (await makers.world("others")).cluster.id}


async def an_environment_s_id_for_a_cluster(sandbox: Sandbox) -> Given:
    return {**sandbox.new_instance(), "clusterId": sandbox.world.environment.id}


async def an_unknown_service(sandbox: Sandbox) -> Given:
    return sandbox.new_instance(services=[{"name": "nope", "enabled": False}])


async def a_required_service_switched_off(sandbox: Sandbox) -> Given:
    return sandbox.new_instance(services=[{"name": "web", "enabled": False}])


async def too_many_replicas(sandbox: Sandbox) -> Given:
    return sandbox.new_instance(services=[{"name": "cache", "replicas": 2}])


async def a_version_that_is_not_offered(sandbox: Sandbox) -> Given:
    return sandbox.new_instance(services=[{"name": "worker", "version": "9"}])


async def a_reserved_variable(sandbox: Sandbox) -> Given:
    return sandbox.new_instance(services=[{"name": "worker", "variables": [{"name": "BERTH_X", "value": "1"}]}])


CASES: list[tuple[Case, str, str, str]] = [
    (a_name_with_capitals, "INVALID_NAME", "'Dev' is not a machine name.", "input.instance.name"),
    (a_name_that_ends_with_a_hyphen, "INVALID_NAME", "'dev-' is not a machine name.", "input.instance.name"),
    (a_taken_name, "NAME_TAKEN", "The app has an instance 'dev' already.", "input.instance.name"),
    (
        a_long_namespace,
        "INVALID_NAME",
        f"The namespace 'shop-{'d' * 59}' would have 64 characters; Kubernetes allows 63.",
        "input.instance.name",
    ),
    (
        a_foreign_colliding_namespace,
        "NAMESPACE_TAKEN",
        "The namespace 'shop-dev' on this cluster belongs to another instance.",
        "input.instance.name",
    ),
    (
        an_abandoned_namespace,
        "NAMESPACE_TAKEN",
        "The namespace 'shop-dev' was given up by a forced deletion and may still be on the cluster.",
        "input.instance.name",
    ),
    (a_draft, "STACK_REVISION_UNUSABLE", "A draft cannot be deployed.", "input.instance.stackRevisionId"),
    (
        a_revision_of_another_stack,
        "STACK_REVISION_UNUSABLE",
        "This revision is of another stack than the app's.",
        "input.instance.stackRevisionId",
    ),
    (
        an_unreachable_cluster,
        "CLUSTER_UNAVAILABLE",
        "The cluster 'main' is UNREACHABLE: It does not answer.",
        "input.instance.clusterId",
    ),
    (
        another_tenant_s_cluster,
        "NOT_FOUND",
        "There is no such object, or you may not see it.",
        "input.instance.clusterId",
    ),
    (
        an_environment_s_id_for_a_cluster,
        "NOT_FOUND",
        "There is no such object, or you may not see it.",
        "input.instance.clusterId",
    ),
    (an_unknown_service, "INVALID_INPUT", "The stack has no service 'nope'.", "input.instance.services.0"),
    (
        a_required_service_switched_off,
        "INVALID_INPUT",
        "The service 'web' cannot be switched off: the stack requires it.",
        "input.instance.services.0.enabled",
    ),
    (
        too_many_replicas,
        "INVALID_INPUT",
        "The service 'cache' takes 0 to 1 replicas because it is not scalable.",
        "input.instance.services.0.replicas",
    ),
    (
        a_version_that_is_not_offered,
        "INVALID_INPUT",
        "The service 'worker' has no version '9'.",
        "input.instance.services.0.version",
    ),
    (
        a_reserved_variable,
        "INVALID_INPUT",
        "'BERTH_X' is reserved: Berth sets BERTH* itself.",
        "input.instance.services.0.variables",
    ),
]


@pytest.mark.parametrize(("case", "code", "message", "path"), CASES, ids=lambda one: getattr(one, "__name__", ""))
async def test_it_is_one_clear_problem_and_nothing_changed(
    sandbox: Sandbox, case: Case, code: str, message: str, path: str
) -> None:
    given = {"appId": sandbox.world.app.id, "instance": await case(sandbox)}
    before = await everything_stored(sandbox.simulator)
    answer = await sandbox.api.change("createInstance", given, PROBLEMS)
    assert (answer["instance"], answer["task"]) == (None, None)
    assert [(one["code"], one["message"], one["path"]) for one in answer["problems"]] == [(code, message, path)]
    assert await everything_stored(sandbox.simulator) == before


async def test_the_holder_of_a_namespace_is_named_only_to_who_may_see_it(sandbox: Sandbox) -> None:
    given = {"appId": sandbox.world.app.id, "instance": await a_colliding_namespace(sandbox)}
    holder = await Instance.get(namespace="shop-a-b")
    seen = await sandbox.api.change("createInstance", given, PROBLEMS)
    assert seen["problems"][0]["message"] == (
        f"The namespace 'shop-a-b' on this cluster belongs to the instance 'b' ({holder.id})."
    )


async def test_a_refused_first_instance_makes_no_app(sandbox: Sandbox) -> None:
    world = sandbox.world
    before = await everything_stored(sandbox.simulator)
    answer = await sandbox.api.change(
        "createApp",
        {
            "organizationId": world.organization.id,
            "stackId": world.stack.stack_id,
            "name": "another",
            "instance": sandbox.new_instance("Dev"),
        },
        "app { id } problems { code path }",
    )
    assert answer == {"app": None, "problems": [{"code": "INVALID_NAME", "path": "input.instance.name"}]}
    assert await everything_stored(sandbox.simulator) == before


async def test_a_stale_version_is_refused(sandbox: Sandbox) -> None:
    instance = await makers.instance(sandbox.world)
    answer = await sandbox.api.change(
        "renameInstance",
        {"id": instance.id, "title": "New", "expectedVersion": instance.version + 1},
        "instance { id } problems { code path ... on VersionConflict { current } }",
    )
    assert answer == {
        "instance": None,
        "problems": [{"code": "VERSION_CONFLICT", "path": "input.expectedVersion", "current": instance.version}],
    }


async def test_a_reader_may_look_and_not_touch(sandbox: Sandbox) -> None:
    reader = Api(await makers.viewer(sandbox.world.organization, role=Role.READER))
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    before = await everything_stored(sandbox.simulator)
    answer = await reader.change("createInstance", given, "problems { code ... on Forbidden { missing } }")
    assert answer == {"problems": [{"code": "FORBIDDEN", "missing": "CONFIGURE"}]}
    assert await everything_stored(sandbox.simulator) == before


async def test_the_same_key_makes_one_instance_and_another_input_is_refused(sandbox: Sandbox) -> None:
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance(), "idempotencyKey": "k"}
    first = await sandbox.api.change("createInstance", given, PROBLEMS)
    again = await sandbox.api.change("createInstance", given, PROBLEMS)
    assert first == again
    other = await sandbox.api.change("createInstance", {**given, "instance": sandbox.new_instance("b")}, PROBLEMS)
    assert [one["code"] for one in other["problems"]] == ["IDEMPOTENCY_MISMATCH"]
    assert await Instance.filter(app_id=sandbox.world.app.id).count() == 1


async def test_a_service_with_a_chart_is_refused_until_it_is_switched_off(sandbox: Sandbox) -> None:
    of = sandbox.world.organization
    helm = {"name": "chart", "source": "oci://example/chart", "chart": "oci://example/chart", "version": "1.0.0"}
    chart = await makers.service(of, "chart", makers.service_manifest("chart", helm=helm))
    revision = await makers.stack(of, "charts", (await makers.service(of, "web"), chart))
    app = await makers.app(of, "charts", revision)
    before = await everything_stored(sandbox.simulator)
    refused = await sandbox.api.change(
        "createInstance", {"appId": app.id, "instance": sandbox.new_instance()}, "problems { code message }"
    )
    assert refused["problems"] == [
        {
            "code": "HELM_UNAVAILABLE",
            "message": "The service 'chart' is released by a Helm chart, which Berth cannot do yet.",
        }
    ]
    assert await everything_stored(sandbox.simulator) == before

    without = sandbox.new_instance(services=[{"name": "chart", "enabled": False}])
    made = await sandbox.api.change(
        "createInstance", {"appId": app.id, "instance": without}, "instance { id } problems { code }"
    )
    assert made["problems"] == []
    await sandbox.drain()
    assert await sandbox.state(made["instance"]["id"]) == "OK"
    services = await AppService.filter(instance_id=made["instance"]["id"], name="chart").get()
    on = await sandbox.api.change("setAppServiceEnabled", {"id": services.id, "enabled": True}, "problems { code }")
    assert on == {"problems": [{"code": "HELM_UNAVAILABLE"}]}
