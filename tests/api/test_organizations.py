"""Organizations as they are made and renamed, through the API and by the operator."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from models import Environment, Membership, Organization, Token, User
from resolvers.auth import authenticate
from resolvers.organizations import create_owner
from rules.enums import Role, Scope
from rules.refusals import Refused
from rules.viewer import Viewer
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

SHOWN = "organization { name title version } cursor problems { code message path }"
ENVIRONMENTS = [
    {"name": "dev", "title": "Development", "type": "DEV"},
    {"name": "feature", "title": "Feature", "type": "FEATURE"},
    {"name": "prod", "title": "Production", "type": "PROD"},
    {"name": "staging", "title": "Staging", "type": "STAGING"},
    {"name": "test", "title": "Test", "type": "TEST"},
]


async def test_who_creates_an_organization_owns_it_and_it_has_an_environment_of_each_type() -> None:
    viewer = await makers.viewer()
    answer = await Api(viewer).change(
        "createOrganization",
        {"name": "acme", "title": "Acme Ltd"},
        """organization { id name title version members { nodes { role user { id } } }
             environments { nodes { name title type } } } cursor problems { code }""",
    )
    id = answer["organization"].pop("id")
    assert answer == {
        "organization": {
            "name": "acme",
            "title": "Acme Ltd",
            "version": 1,
            "members": {"nodes": [{"role": "OWNER", "user": {"id": viewer.user_id}}]},
            "environments": {"nodes": ENVIRONMENTS},
        },
        "cursor": "1",
        "problems": [],
    }
    assert await events(id) == [("ORGANIZATION_CREATED", {"name": "acme"})]


async def test_a_replayed_creation_is_answered_with_the_same_organization() -> None:
    viewer = await makers.viewer()
    wanted = {"name": "acme", "idempotencyKey": "one"}
    first = await Api(viewer).change("createOrganization", wanted, "organization { id } problems { code }")
    id = first["organization"]["id"]
    owner = replace(viewer, roles={id: Role.OWNER})
    assert await Api(owner).change("createOrganization", wanted, "organization { id } problems { code }") == first
    assert await Organization.all().count() == 1


async def test_names_are_judged_and_a_refusal_leaves_nothing_behind() -> None:
    await makers.organization("acme")
    viewer = await makers.viewer()
    before = await everything()
    for name, code, message in (
        ("Acme", "INVALID_NAME", "'Acme' is not a machine name."),
        ("acme", "NAME_TAKEN", "There is an organization of this name already."),
    ):
        answer = await Api(viewer).change("createOrganization", {"name": name}, SHOWN)
        problem = {"code": code, "message": message, "path": "input.name"}
        assert answer == {"organization": None, "cursor": None, "problems": [problem]}
    assert await everything() == before


async def test_of_twenty_at_once_one_gets_the_name() -> None:
    api = Api(await makers.viewer())
    answers = await asyncio.gather(
        *(api.change("createOrganization", {"name": "acme"}, "problems { code }") for _ in range(20))
    )
    codes = sorted(problem["code"] for answer in answers for problem in answer["problems"])
    assert codes == ["NAME_TAKEN"] * 19
    assert await Organization.all().count() == 1
    assert await Environment.all().count() == 5


async def test_a_token_that_is_narrowed_or_of_a_lower_scope_cannot_create_one() -> None:
    of = await makers.organization("acme")
    who = await makers.member(of)
    narrowed, _ = await makers.token(who, organization_id=of.id)
    lower, _ = await makers.token(who, Scope.CONFIGURE)
    before = await everything()
    for token, message in (
        (narrowed, "Your token is narrowed to an organization, so it cannot make another one."),
        (lower, "Your token's scope CONFIGURE does not allow this; it needs ADMIN."),
    ):
        viewer = Viewer(who.id, token.id, Scope(token.scope), {of.id: Role.OWNER})
        answer = await Api(viewer).change("createOrganization", {"name": "next"}, SHOWN)
        assert answer["problems"] == [{"code": "FORBIDDEN", "message": message, "path": None}]
    assert await everything() == before


async def test_an_owner_renames_it_and_nobody_else_can() -> None:
    world, other = await makers.world("acme"), await makers.world()
    wanted: dict[str, Any] = {"id": world.organization.id, "title": "Acme Ltd", "expectedVersion": 1}
    answer = await Api(world.owner).change("renameOrganization", wanted, SHOWN)
    assert answer == {
        "organization": {"name": "acme", "title": "Acme Ltd", "version": 2},
        "cursor": "1",
        "problems": [],
    }
    before = await everything()
    reader = await makers.viewer(world.organization, role=Role.READER)
    before = await everything()
    for viewer, code in ((reader, "FORBIDDEN"), (other.owner, "NOT_FOUND"), (world.owner, "VERSION_CONFLICT")):
        answer = await Api(viewer).change("renameOrganization", wanted, "problems { code }")
        assert answer["problems"] == [{"code": code}]
    missing = {**wanted, "id": "org_00000000000000000000000000"}
    answer = await Api(world.owner).change("renameOrganization", missing, "problems { code path }")
    assert answer["problems"] == [{"code": "NOT_FOUND", "path": "input.id"}]
    assert await everything() == before


async def test_the_operator_makes_the_first_owner_with_a_token_that_works() -> None:
    made = await create_owner("Ada@Example.org ", "acme")
    user = await User.get(id=made.user_id)
    assert (user.email, user.name) == ("ada@example.org", "ada")
    viewer = await authenticate(made.secret)
    assert viewer is not None
    assert (viewer.user_id, viewer.scope, viewer.roles) == (user.id, Scope.ADMIN, {made.organization_id: Role.OWNER})
    assert await Environment.filter(organization_id=made.organization_id).count() == 5
    token = await Token.get(id=viewer.token_id)
    assert await events(made.organization_id) == [
        ("ORGANIZATION_CREATED", {"name": "acme"}),
        ("TOKEN_CREATED", {"tokenId": token.id, "userId": user.id, "scope": "ADMIN"}),
    ]


async def test_done_again_it_makes_up_for_a_lost_token_and_a_lost_owner() -> None:
    first = await create_owner("ada@example.org", "acme")
    await Membership.all().delete()
    again = await create_owner("ada@example.org", "acme")
    assert (again.organization_id, again.user_id) == (first.organization_id, first.user_id)
    assert again.secret != first.secret
    viewer = await authenticate(again.secret)
    assert viewer is not None
    assert viewer.roles == {first.organization_id: Role.OWNER}


@pytest.mark.parametrize(
    ("email", "name", "code"), [("ada", "acme", "INVALID_INPUT"), ("ada@example.org", "Acme", "INVALID_NAME")]
)
async def test_the_operator_is_told_what_is_wrong(email: str, name: str, code: str) -> None:
    before = await everything()
    with pytest.raises(Refused) as refused:
        await create_owner(email, name)
    assert refused.value.code == code
    assert await everything() == before
