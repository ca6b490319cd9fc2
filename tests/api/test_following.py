"""While a stream is open, it is asked again and again whether its viewer may still see what it tells of."""

from datetime import UTC, datetime, timedelta

from models import Membership, Token
from resolvers.following import still_seen
from tests.kit import makers


async def test_what_a_viewer_sees_is_still_seen_until_it_is_not(opened_database: str) -> None:
    world, other = await makers.world(), await makers.world()
    instance = await makers.instance(world)
    task = await makers.task(instance)
    assert await still_seen(world.owner, "Instance", instance.id)
    assert await still_seen(world.owner, "Task", task.id)
    assert not await still_seen(other.owner, "Instance", instance.id)
    assert not await still_seen(world.owner, "Instance", "ins_unknown")


async def test_a_revoked_or_expired_token_sees_nothing(opened_database: str) -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    now = datetime.now(UTC)
    for change in ({"revoked_at": now}, {"revoked_at": None, "expires_at": now - timedelta(seconds=1)}):
        await Token.filter(id=world.owner.token_id).update(**change)
        assert not await still_seen(world.owner, "Instance", instance.id)
    await Token.filter(id=world.owner.token_id).update(expires_at=now + timedelta(hours=1))
    assert await still_seen(world.owner, "Instance", instance.id)


async def test_who_left_the_organization_sees_nothing_of_it(opened_database: str) -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    await Membership.filter(user_id=world.owner.user_id).delete()
    assert not await still_seen(world.owner, "Instance", instance.id)


async def test_a_narrowed_token_sees_its_own_instance_only(opened_database: str) -> None:
    world = await makers.world()
    own, beside = await makers.instance(world, "own"), await makers.instance(world, "beside")
    narrowed = await makers.viewer(world.organization, instance=own)
    assert await still_seen(narrowed, "Instance", own.id)
    assert not await still_seen(narrowed, "Instance", beside.id)
