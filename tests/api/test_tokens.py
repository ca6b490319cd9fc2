"""Tokens as they are made, shown once, and revoked."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import Membership, Token, User
from resolvers.auth import authenticate, hashed
from rules.enums import Role, Scope
from rules.viewer import Viewer
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

SHOWN = "token { id name scope } secret cursor problems { code message path }"


async def codes(viewer: Viewer, mutation: str, input: dict[str, Any]) -> list[tuple[str, str | None]]:
    answer = await Api(viewer).change(mutation, input, "problems { code path }")
    return [(problem["code"], problem["path"]) for problem in answer["problems"]]


async def as_token(who: Viewer, scope: Scope = Scope.ADMIN, **more: Any) -> Viewer:
    """The same user with another token."""
    user = await User.get(id=who.user_id)
    _, secret = await makers.token(user, scope, **more)
    viewer = await authenticate(secret)
    assert viewer is not None
    return viewer


async def test_a_token_is_shown_once_and_works() -> None:
    world = await makers.world()
    ends = datetime.now(UTC) + timedelta(days=30)
    wanted = {
        "name": "CI",
        "scope": "OPERATE",
        "organizationId": world.organization.id,
        "expiresAt": ends.isoformat(),
        "idempotencyKey": "one",
    }
    answer = await Api(world.owner).change("createToken", wanted, SHOWN)
    assert {**answer["token"], "id": ""} == {"id": "", "name": "CI", "scope": "OPERATE"}
    assert (answer["cursor"], answer["problems"]) == ("1", [])
    row = await Token.get(id=answer["token"]["id"])
    assert row.hash == hashed(answer["secret"])
    assert (row.expires_at, row.organization_id) == (ends, world.organization.id)
    viewer = await authenticate(answer["secret"])
    assert viewer == Viewer(world.owner.user_id, row.id, Scope.OPERATE, {world.organization.id: Role.OWNER})
    again = await Api(world.owner).change("createToken", wanted, SHOWN)
    assert again == {**answer, "secret": None}
    kept = str(await everything())
    assert answer["secret"] not in kept
    data = {"tokenId": row.id, "userId": world.owner.user_id, "scope": "OPERATE"}
    assert await events(world.organization.id) == [("TOKEN_CREATED", data)]


async def test_a_token_of_all_organizations_is_told_in_each_of_them() -> None:
    one, two = await makers.world(), await makers.world()
    viewer = await makers.viewer(one.organization, two.organization)
    answer = await Api(viewer).change("createToken", {"name": "all", "scope": "ADMIN"}, SHOWN)
    assert (answer["cursor"], answer["problems"]) == (None, [])
    for world in (one, two):
        assert [kind for kind, _ in await events(world.organization.id)] == ["TOKEN_CREATED"]


async def test_a_token_can_be_narrowed_to_an_instance_and_then_sees_little_else() -> None:
    world = await makers.world()
    dev, prod = await makers.instance(world, "dev"), await makers.instance(world, "prod")
    answer = await Api(world.owner).change(
        "createToken",
        {"name": "dev", "scope": "OPERATE", "instanceId": dev.id},
        "token { organization { id } app { id } instance { id } } secret",
    )
    assert answer["token"] == {
        "organization": {"id": world.organization.id},
        "app": {"id": world.app.id},
        "instance": {"id": dev.id},
    }
    viewer = await authenticate(answer["secret"])
    assert viewer is not None
    found = await Api(viewer).query("{ instances { nodes { id } } clusters { totalCount } }")
    assert found == {"instances": {"nodes": [{"id": dev.id}]}, "clusters": {"totalCount": 0}}
    assert await codes(viewer, "createToken", {"name": "x", "scope": "READ", "instanceId": prod.id}) == [
        ("NOT_FOUND", "input.instanceId")
    ]


async def test_a_token_makes_none_that_may_do_more_reaches_further_or_outlives_it() -> None:
    world = await makers.world()
    ends = datetime.now(UTC) + timedelta(days=1)
    of = world.organization.id
    lower = await as_token(world.owner, Scope.OPERATE, organization_id=of, expires_at=ends)
    before = await everything()
    base = {"name": "x", "scope": "READ", "organizationId": of, "expiresAt": ends.isoformat()}
    later = (ends + timedelta(days=1)).isoformat()
    for more, expected in (
        ({"scope": "CONFIGURE"}, ("FORBIDDEN", "input.scope")),
        ({"organizationId": None}, ("FORBIDDEN", None)),
        ({"expiresAt": later}, ("FORBIDDEN", "input.expiresAt")),
        ({"expiresAt": None}, ("FORBIDDEN", "input.expiresAt")),
    ):
        assert await codes(lower, "createToken", {**base, **more}) == [expected]
    assert await everything() == before
    assert await codes(lower, "createToken", base) == []


@pytest.mark.parametrize("days", [-1, 0, 367])
async def test_a_token_ends_in_the_future_and_within_a_year(days: int) -> None:
    world = await makers.world()
    before = await everything()
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    wanted = {"name": "x", "scope": "READ", "expiresAt": ends}
    assert await codes(world.owner, "createToken", wanted) == [("INVALID_INPUT", "input.expiresAt")]
    assert await everything() == before


async def test_what_one_may_not_see_cannot_narrow_a_token() -> None:
    world, other = await makers.world(), await makers.world()
    foreign = await makers.instance(other)
    mine = await makers.instance(world)
    stranger = await Membership.get(organization_id=other.organization.id)
    before = await everything()
    for field, id in (
        ("organizationId", other.organization.id),
        ("organizationId", "org_00000000000000000000000000"),
        ("appId", other.app.id),
        ("instanceId", foreign.id),
        ("memberId", stranger.id),
    ):
        wanted = {"name": "x", "scope": "READ", field: id}
        assert await codes(world.owner, "createToken", wanted) == [("NOT_FOUND", f"input.{field}")]
    mixed = {"name": "x", "scope": "READ", "instanceId": mine.id, "appId": other.app.id}
    assert await codes(world.owner, "createToken", mixed) == [("NOT_FOUND", "input.appId")]
    assert await everything() == before


async def test_an_owner_makes_and_revokes_a_token_of_a_member_and_a_reader_cannot() -> None:
    world = await makers.world()
    reader = await makers.viewer(world.organization, role=Role.READER)
    theirs = await Membership.get(organization_id=world.organization.id, user_id=reader.user_id)
    owners = await Membership.get(organization_id=world.organization.id, user_id=world.owner.user_id)
    answer = await Api(world.owner).change(
        "createToken",
        {"name": "for you", "scope": "ADMIN", "memberId": theirs.id},
        "token { id user { id } organization { id } } secret problems { code }",
    )
    id = answer["token"].pop("id")
    assert answer["token"] == {"user": {"id": reader.user_id}, "organization": {"id": world.organization.id}}
    assert answer["problems"] == []
    viewer = await authenticate(answer["secret"])
    assert viewer is not None
    assert viewer.roles == {world.organization.id: Role.READER}
    before = await everything()
    wanted = {"name": "x", "scope": "READ", "memberId": owners.id}
    assert await codes(reader, "createToken", wanted) == [("FORBIDDEN", "input.memberId")]
    assert await everything() == before
    answer = await Api(world.owner).change("revokeToken", {"id": id}, "token { id } problems { code }")
    assert answer == {"token": {"id": id}, "problems": []}


async def test_revoking_ends_it_at_once_and_again_changes_nothing() -> None:
    world = await makers.world()
    made = await Api(world.owner).change(
        "createToken", {"name": "x", "scope": "READ", "organizationId": world.organization.id}, "token { id } secret"
    )
    id = made["token"]["id"]
    answers = await asyncio.gather(
        *(Api(world.owner).change("revokeToken", {"id": id}, "token { id } problems { code }") for _ in range(20))
    )
    assert answers == [{"token": {"id": id}, "problems": []}] * 20
    assert await authenticate(made["secret"]) is None
    assert [kind for kind, _ in await events(world.organization.id)] == ["TOKEN_CREATED", "TOKEN_REVOKED"]


async def test_a_token_ends_itself_and_what_it_could_have_made() -> None:
    world = await makers.world()
    of = world.organization.id
    narrowed = await as_token(world.owner, organization_id=of)
    lower = await as_token(world.owner, Scope.READ, organization_id=of)
    before = await everything()
    assert await codes(narrowed, "revokeToken", {"id": world.owner.token_id}) == [("FORBIDDEN", "input.id")]
    assert await codes(lower, "revokeToken", {"id": narrowed.token_id}) == [("FORBIDDEN", "input.id")]
    assert await everything() == before
    assert await codes(lower, "revokeToken", {"id": lower.token_id}) == []
    assert await codes(world.owner, "revokeToken", {"id": narrowed.token_id}) == []


async def test_a_token_of_someone_else_does_not_exist() -> None:
    world, other = await makers.world(), await makers.world()
    reader = await makers.viewer(world.organization, role=Role.READER)
    owner = await as_token(world.owner, organization_id=world.organization.id)
    narrowed = await makers.viewer(world.organization, app=world.app)
    before = await everything()
    for viewer, id in (
        (other.owner, owner.token_id),
        (reader, owner.token_id),
        (narrowed, owner.token_id),
        (world.owner, other.owner.token_id),
        (world.owner, "tok_00000000000000000000000000"),
        (world.owner, world.cluster.id),
    ):
        assert await codes(viewer, "revokeToken", {"id": id}) == [("NOT_FOUND", "input.id")]
    assert await everything() == before
    assert await codes(narrowed, "revokeToken", {"id": narrowed.token_id}) == []


async def test_owners_see_all_tokens_for_their_organization_and_others_their_own() -> None:
    world = await makers.world()
    reader = await makers.viewer(world.organization, role=Role.READER)
    user = await User.get(id=reader.user_id)
    theirs, _ = await makers.token(user, organization_id=world.organization.id)
    owners = await as_token(world.owner, organization_id=world.organization.id)
    document = "query($id: ID!) { node(id: $id) { ... on Organization { tokens { nodes { id } } } } }"
    seen = await Api(world.owner).query(document, id=world.organization.id)
    assert seen == {"node": {"tokens": {"nodes": [{"id": owners.token_id}, {"id": theirs.id}]}}}
    seen = await Api(reader).query(document, id=world.organization.id)
    assert seen == {"node": {"tokens": {"nodes": [{"id": theirs.id}]}}}
    seen = await Api(world.owner).query("{ viewer { tokens { nodes { id } } } }")
    assert [each["id"] for each in seen["viewer"]["tokens"]["nodes"]] == [owners.token_id, world.owner.token_id]
