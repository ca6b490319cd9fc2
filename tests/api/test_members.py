"""Members as they are added, given roles and removed."""

import asyncio
from typing import Any

import pytest

from models import Membership, Token, User
from resolvers.auth import authenticate
from rules.enums import Role
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

SHOWN = "member { role version user { name email } } cursor problems { code message path }"


async def membership(of: makers.World, user_id: str) -> Membership:
    return await Membership.get(organization_id=of.organization.id, user_id=user_id)


async def codes(viewer: Any, mutation: str, input: dict[str, Any]) -> list[tuple[str, str | None]]:
    answer = await Api(viewer).change(mutation, input, "problems { code path }")
    return [(problem["code"], problem["path"]) for problem in answer["problems"]]


async def test_a_user_who_is_not_known_is_made_with_the_membership() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "email": "Grace@Example.org", "role": "READER"}
    answer = await Api(world.owner).change("addMember", wanted, SHOWN)
    assert answer == {
        "member": {"role": "READER", "version": 1, "user": {"name": "grace", "email": "grace@example.org"}},
        "cursor": "1",
        "problems": [],
    }
    user = await User.get(email="grace@example.org")
    row = await membership(world, user.id)
    data = {"memberId": row.id, "userId": user.id, "role": "READER"}
    assert await events(world.organization.id) == [("MEMBER_ADDED", data)]


async def test_a_user_who_is_known_keeps_their_name() -> None:
    world = await makers.world()
    known = await makers.user("Linus")
    wanted = {"organizationId": world.organization.id, "email": known.email, "role": "OWNER"}
    answer = await Api(world.owner).change("addMember", wanted, "member { user { id name } }")
    assert answer == {"member": {"user": {"id": known.id, "name": "Linus"}}}


@pytest.mark.parametrize("email", ["", "grace", "grace@", "@example.org", "gr ace@example.org", "a@b@c", "<a@b.org>"])
async def test_what_is_no_address_is_refused(email: str) -> None:
    world = await makers.world()
    before = await everything()
    wanted = {"organizationId": world.organization.id, "email": email, "role": "READER"}
    assert await codes(world.owner, "addMember", wanted) == [("INVALID_INPUT", "input.email")]
    assert await everything() == before


async def test_a_member_cannot_be_added_again() -> None:
    world = await makers.world()
    owner = await User.get(id=world.owner.user_id)
    before = await everything()
    wanted = {"organizationId": world.organization.id, "email": owner.email, "role": "READER"}
    assert await codes(world.owner, "addMember", wanted) == [("NAME_TAKEN", "input.email")]
    assert await everything() == before


async def test_of_twenty_at_once_one_adds_the_member() -> None:
    world = await makers.world()
    wanted = {"organizationId": world.organization.id, "email": "grace@example.org", "role": "READER"}
    answers = await asyncio.gather(*(codes(world.owner, "addMember", wanted) for _ in range(20)))
    assert sorted(answers) == [[]] + [[("NAME_TAKEN", "input.email")]] * 19
    assert await User.filter(email="grace@example.org").count() == 1


async def test_a_role_changes_and_counts_the_version() -> None:
    world = await makers.world()
    who = await makers.member(world.organization, Role.READER)
    row = await membership(world, who.id)
    answer = await Api(world.owner).change(
        "changeMemberRole", {"id": row.id, "role": "OWNER", "expectedVersion": 1}, "member { role version } cursor"
    )
    assert answer == {"member": {"role": "OWNER", "version": 2}, "cursor": "1"}
    before = await everything()
    stale = {"id": row.id, "role": "READER", "expectedVersion": 1}
    assert await codes(world.owner, "changeMemberRole", stale) == [("VERSION_CONFLICT", "input.expectedVersion")]
    assert await everything() == before


async def test_the_last_owner_stays_one() -> None:
    world = await makers.world()
    await makers.member(world.organization, Role.READER)
    row = await membership(world, world.owner.user_id)
    before = await everything()
    answer = await Api(world.owner).change("changeMemberRole", {"id": row.id, "role": "READER"}, SHOWN)
    message = "The last owner of an organization cannot be made a reader."
    assert answer["problems"] == [{"code": "LAST_OWNER", "message": message, "path": "input.role"}]
    assert await codes(world.owner, "removeMember", {"id": row.id}) == [("LAST_OWNER", "input.id")]
    assert await everything() == before


async def test_two_owners_cannot_leave_at_once() -> None:
    world = await makers.world()
    other = await makers.viewer(world.organization)
    rows = [await membership(world, viewer.user_id) for viewer in (world.owner, other)]
    answers = await asyncio.gather(*(codes(world.owner, "removeMember", {"id": row.id}) for row in rows))
    assert sorted(answers) == [[], [("LAST_OWNER", "input.id")]]
    assert await Membership.filter(organization_id=world.organization.id, role="OWNER").count() == 1


async def test_who_is_removed_is_out_at_once_with_the_tokens_for_the_organization() -> None:
    world, other = await makers.world(), await makers.world()
    who = await makers.member(world.organization, Role.READER)
    await makers.member(other.organization, Role.READER, who)
    narrowed, secret = await makers.token(who, organization_id=world.organization.id)
    _, wide = await makers.token(who)
    row = await membership(world, who.id)
    answer = await Api(world.owner).change("removeMember", {"id": row.id}, "deletedId cursor problems { code }")
    assert answer == {"deletedId": row.id, "cursor": "1", "problems": []}
    assert await authenticate(secret) is None
    assert (await Token.get(id=narrowed.id)).revoked_at is not None
    left = await authenticate(wide)
    assert left is not None
    assert left.roles == {other.organization.id: Role.READER}


async def test_readers_may_not_and_strangers_see_nothing() -> None:
    world, other = await makers.world(), await makers.world()
    reader = await makers.viewer(world.organization, role=Role.READER)
    row = await membership(world, reader.user_id)
    before = await everything()
    changes: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("addMember", {"organizationId": world.organization.id, "email": "a@b.org", "role": "OWNER"}, "organizationId"),
        ("changeMemberRole", {"id": row.id, "role": "OWNER"}, "id"),
        ("removeMember", {"id": row.id}, "id"),
    )
    for mutation, input, field in changes:
        assert await codes(reader, mutation, input) == [("FORBIDDEN", f"input.{field}")]
        assert await codes(other.owner, mutation, input) == [("NOT_FOUND", f"input.{field}")]
        for id in ("mbr_00000000000000000000000000", world.cluster.id):
            assert await codes(world.owner, mutation, {**input, field: id}) == [("NOT_FOUND", f"input.{field}")]
    assert await everything() == before
