"""Environments as they are made, changed and deleted."""

import asyncio
from typing import Any

import pytest

from models import Environment, Instance
from rules.enums import InstanceState, Role, Scope
from rules.viewer import Viewer
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

PROBLEMS = "problems { code message remedy path retryable }"
SHOWN = f"environment {{ name title type version }} cursor {PROBLEMS}"


def problem(code: str, message: str, remedy: str, path: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "remedy": remedy, "path": path, "retryable": False}


async def test_an_owner_creates_an_environment() -> None:
    world = await makers.world()
    of = world.organization
    wanted = {"organizationId": of.id, "name": "qa", "type": "TEST"}
    answer = await Api(world.owner).change("createEnvironment", wanted, f"environment {{ id }} {SHOWN}")
    made = answer["environment"].pop("id")
    assert answer == {
        "environment": {"name": "qa", "title": "qa", "type": "TEST", "version": 1},
        "cursor": "1",
        "problems": [],
    }
    assert await events(of.id) == [("ENVIRONMENT_CREATED", {"environmentId": made, "name": "qa", "type": "TEST"})]


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        (
            {"name": "Not a name"},
            problem(
                "INVALID_NAME",
                "'Not a name' is not a machine name.",
                "Use 1 to 63 lower-case letters, digits and hyphens, starting and ending with a letter or digit.",
                "input.name",
            ),
        ),
        (
            {"title": "\n"},
            problem(
                "INVALID_INPUT", "A title has 1 to 120 printable characters.", "Choose another title.", "input.title"
            ),
        ),
        (
            {"name": "dev"},
            problem(
                "NAME_TAKEN", "There is an environment of this name already.", "Choose another name.", "input.name"
            ),
        ),
        (
            {"organizationId": "env_00000000000000000000000000"},
            problem(
                "NOT_FOUND",
                "There is no such object, or you may not see it.",
                "Check the id.",
                "input.organizationId",
            ),
        ),
    ],
)
async def test_a_refused_environment_leaves_nothing_behind(input: dict[str, str], expected: dict[str, Any]) -> None:
    world = await makers.world()
    before = await everything()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", **input}
    answer = await Api(world.owner).change("createEnvironment", wanted, SHOWN)
    assert answer == {"environment": None, "cursor": None, "problems": [expected]}
    assert await everything() == before


async def test_a_reader_and_a_token_of_a_lower_scope_may_not_create_one() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST"}
    reader = await makers.viewer(world.organization, role=Role.READER)
    narrow = await makers.viewer(world.organization, scope=Scope.CONFIGURE)
    before = await everything()
    shown = "problems { code message path ... on Forbidden { missing } }"
    refused = await Api(reader).change("createEnvironment", wanted, shown)
    by_role = "Your role READER does not allow this."
    assert refused["problems"] == [
        {"code": "FORBIDDEN", "message": by_role, "path": "input.organizationId", "missing": "ADMIN"}
    ]
    refused = await Api(narrow).change("createEnvironment", wanted, shown)
    by_scope = "Your token's scope CONFIGURE does not allow this; it needs ADMIN."
    assert refused["problems"] == [
        {"code": "FORBIDDEN", "message": by_scope, "path": "input.organizationId", "missing": "ADMIN"}
    ]
    assert await everything() == before


async def test_another_tenants_environment_does_not_exist() -> None:
    world, other = await makers.world(), await makers.world()
    before = await everything()
    missing = "env_00000000000000000000000000"
    for mutation, more in (("updateEnvironment", {"title": "Mine"}), ("deleteEnvironment", {})):
        for id in (other.environment.id, missing, world.cluster.id):
            answer = await Api(world.owner).change(mutation, {"id": id, **more}, PROBLEMS)
            assert answer["problems"] == [
                problem("NOT_FOUND", "There is no such object, or you may not see it.", "Check the id.", "input.id")
            ]
    assert await everything() == before


async def test_title_and_type_change_and_the_version_counts() -> None:
    world = await makers.world()
    wanted = {"id": world.environment.id, "title": "Quality", "type": "STAGING", "expectedVersion": 1}
    answer = await Api(world.owner).change("updateEnvironment", wanted, SHOWN)
    assert answer == {
        "environment": {"name": "dev", "title": "Quality", "type": "STAGING", "version": 2},
        "cursor": "1",
        "problems": [],
    }


async def test_a_stale_version_is_refused() -> None:
    world = await makers.world()
    api = Api(world.owner)
    await api.change("updateEnvironment", {"id": world.environment.id, "title": "First"}, PROBLEMS)
    before = await everything()
    for mutation, more in (("updateEnvironment", {"title": "Second"}), ("deleteEnvironment", {})):
        answer = await api.change(
            mutation,
            {"id": world.environment.id, "expectedVersion": 1, **more},
            "problems { code message path ... on VersionConflict { current } }",
        )
        assert answer["problems"] == [
            {
                "code": "VERSION_CONFLICT",
                "message": "It has version 2 by now, not 1.",
                "path": "input.expectedVersion",
                "current": 2,
            }
        ]
    assert await everything() == before


async def test_an_environment_that_an_instance_uses_keeps_its_type_and_stays() -> None:
    world = await makers.world()
    await makers.instance(world)
    before = await everything()
    shown = "problems { code message remedy path ... on InUse { count } }"
    answer = await Api(world.owner).change("updateEnvironment", {"id": world.environment.id, "type": "PROD"}, shown)
    assert answer["problems"] == [
        {
            "code": "IN_USE",
            "message": "1 instance uses this environment, so its type cannot change.",
            "remedy": "Delete those instances first.",
            "path": "input.type",
            "count": 1,
        }
    ]
    answer = await Api(world.owner).change("deleteEnvironment", {"id": world.environment.id}, shown)
    assert answer["problems"][0]["message"] == "1 instance uses this environment, so it cannot be deleted."
    assert await everything() == before


async def test_an_environment_of_deleted_instances_only_can_be_deleted() -> None:
    world = await makers.world()
    gone = await makers.instance(world, "gone", InstanceState.OK, deleted_at=world.environment.created_at)
    answer = await Api(world.owner).change(
        "deleteEnvironment", {"id": world.environment.id}, f"deletedId cursor {PROBLEMS}"
    )
    assert answer == {"deletedId": world.environment.id, "cursor": "1", "problems": []}
    assert not await Environment.exists(id=world.environment.id)
    assert (await Instance.get(id=gone.id)).environment_id is None


async def test_the_same_key_with_the_same_input_is_answered_with_the_first_outcome() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", "idempotencyKey": "one"}
    first = await Api(world.owner).change("createEnvironment", wanted, f"environment {{ id }} {SHOWN}")
    before = await everything()
    again = await Api(world.owner).change("createEnvironment", wanted, f"environment {{ id }} {SHOWN}")
    assert again == first
    assert await everything() == before


async def test_the_same_key_with_another_input_is_refused() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", "idempotencyKey": "one"}
    await Api(world.owner).change("createEnvironment", wanted, SHOWN)
    before = await everything()
    answer = await Api(world.owner).change("createEnvironment", {**wanted, "name": "qb"}, SHOWN)
    assert answer["problems"] == [
        problem(
            "IDEMPOTENCY_MISMATCH",
            "This idempotency key was used with another input.",
            "Use a new key for a new request.",
            "input.idempotencyKey",
        )
    ]
    assert await everything() == before


async def test_a_replay_shows_no_more_than_the_viewer_may_see_by_then() -> None:
    world = await makers.world()
    wanted = {"id": world.environment.id, "idempotencyKey": "one"}
    first = await Api(world.owner).change("deleteEnvironment", wanted, "deletedId problems { code }")
    assert first == {"deletedId": world.environment.id, "problems": []}
    stranger = Viewer(world.owner.user_id, world.owner.token_id, Scope.ADMIN, {})
    again = await Api(stranger).change("deleteEnvironment", wanted, "deletedId problems { code }")
    assert again == {"deletedId": None, "problems": []}


async def test_of_twenty_at_once_one_wins() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST"}
    api = Api(world.owner)
    answers = await asyncio.gather(
        *(api.change("createEnvironment", wanted, "environment { name } problems { code }") for _ in range(20))
    )
    assert [answer for answer in answers if not answer["problems"]] == [{"environment": {"name": "qa"}, "problems": []}]
    refused = [answer["problems"] for answer in answers if answer["problems"]]
    assert refused == [[{"code": "NAME_TAKEN"}]] * 19
    assert await Environment.filter(organization_id=world.organization.id, name="qa").count() == 1
    assert len(await events(world.organization.id)) == 1


async def test_of_twenty_with_one_key_all_get_the_one_outcome() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "name": "qa", "type": "TEST", "idempotencyKey": "one"}
    api = Api(world.owner)
    answers = await asyncio.gather(
        *(api.change("createEnvironment", wanted, "environment { id } cursor problems { code }") for _ in range(20))
    )
    assert answers == [answers[0]] * 20
    assert answers[0]["problems"] == []
    assert len(await events(world.organization.id)) == 1
