"""Who a secret belongs to, and how far it reaches."""

from datetime import UTC, datetime, timedelta

import pytest

from resolvers.auth import authenticate, hashed, new_secret
from rules.enums import Role, Scope
from rules.viewer import Viewer
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")


async def test_a_secret_proves_its_user_with_the_roles_of_all_organizations() -> None:
    acme, other = await makers.organization("acme"), await makers.organization("other")
    user = await makers.member(acme)
    await makers.member(other, Role.READER, user)
    token, secret = await makers.token(user, Scope.OPERATE)
    roles = {acme.id: Role.OWNER, other.id: Role.READER}
    assert await authenticate(secret) == Viewer(user.id, token.id, Scope.OPERATE, roles)


async def test_a_token_for_one_organization_reaches_no_other() -> None:
    acme, other = await makers.organization("acme"), await makers.organization("other")
    user = await makers.member(acme)
    await makers.member(other, Role.OWNER, user)
    token, secret = await makers.token(user, organization_id=acme.id)
    assert await authenticate(secret) == Viewer(user.id, token.id, Scope.ADMIN, {acme.id: Role.OWNER})


async def test_a_narrowed_token_says_what_it_is_narrowed_to() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world)
    user = await makers.member(world.organization)
    token, secret = await makers.token(
        user, organization_id=world.organization.id, app_id=world.app.id, instance_id=instance.id
    )
    roles = {world.organization.id: Role.OWNER}
    assert await authenticate(secret) == Viewer(user.id, token.id, Scope.ADMIN, roles, world.app.id, instance.id)


async def test_a_user_without_an_organization_is_known_and_sees_nothing() -> None:
    world = await makers.world("acme")
    user = await makers.user()
    token, secret = await makers.token(user)
    viewer = await authenticate(secret)
    assert viewer == Viewer(user.id, token.id, Scope.ADMIN, {})
    data = await Api(viewer).query(
        """query($id: ID!) { viewer { id user { id } organizations { totalCount } }
             node(id: $id) { id } apps { totalCount } }""",
        id=world.app.id,
    )
    none = {"totalCount": 0}
    shown = {"id": user.id, "user": {"id": user.id}, "organizations": none}
    assert data == {"viewer": shown, "node": None, "apps": none}


async def test_a_token_works_until_its_end_and_until_it_is_revoked() -> None:
    user = await makers.user()
    now = datetime.now(UTC)
    _, lasting = await makers.token(user, expires_at=now + timedelta(hours=1))
    _, expired = await makers.token(user, expires_at=now - timedelta(seconds=1))
    _, revoked = await makers.token(user, revoked_at=now)
    assert [await authenticate(secret) is None for secret in (lasting, expired, revoked)] == [False, True, True]


@pytest.mark.parametrize(
    "secret", [None, "", "berth_short", "berth_" + "0" * 40, "é" * 40, "berth_" + "a" * 200, "x" * 100_000]
)
async def test_what_is_no_token_proves_nothing(secret: str | None) -> None:
    await makers.token(await makers.user())
    assert await authenticate(secret) is None


async def test_the_kept_hash_is_no_secret() -> None:
    token, secret = await makers.token(await makers.user())
    assert token.hash == hashed(secret) != secret
    assert await authenticate(token.hash) is None
    assert len({new_secret() for _ in range(100)}) == 100
