"""Members of an organization: added by their address, given a role, and removed."""

from jobs.start import Door, Ids
from models import Membership
from resolvers.changes import Ask, Changed
from resolvers.owned import locked
from resolvers.users import address, named
from rules.enums import Role, Scope
from rules.refusals import Refused


async def add(ask: Ask, organization_id: str, email: str, role: Role) -> Changed:
    """A user who is not known yet is made. Raises: Refused, also NAME_TAKEN for a member."""
    found = address(email, "input.email")

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.ADMIN)
        user = await named(door.connection, found)
        row = await Membership.create(
            using_db=door.connection, organization_id=organization_id, user_id=user.id, role=role.value
        )
        data = {"memberId": row.id, "userId": user.id, "role": role}
        return {"member": row.id, "cursor": await door.audit(organization_id, "MEMBER_ADDED", data)}

    return await ask.change(work)


async def change_role(ask: Ask, id: str, role: Role, expected_version: int | None = None) -> Changed:
    """Raises: Refused, also LAST_OWNER."""

    async def work(door: Door) -> Ids:
        row = await locked(door, Membership, id, Scope.ADMIN, expected_version)
        if role is not Role.OWNER:
            await _another_owner(door, row, "made a reader", "input.role")
        row.role = role.value
        row.version += 1
        await row.save(using_db=door.connection, update_fields=["role", "version"])
        data = {"memberId": row.id, "userId": row.user_id, "role": role}
        return {"member": row.id, "cursor": await door.audit(row.organization_id, "MEMBER_ROLE_CHANGED", data)}

    return await ask.change(work)


async def remove(ask: Ask, id: str, expected_version: int | None = None) -> Changed:
    """Ends a membership, and the tokens that were narrowed to the organization. Raises: Refused, also LAST_OWNER."""

    async def work(door: Door) -> Ids:
        row = await locked(door, Membership, id, Scope.ADMIN, expected_version)
        await _another_owner(door, row, "removed", "input.id")
        await row.delete(using_db=door.connection)
        await door.connection.execute_query(
            "UPDATE token SET revoked_at = now() WHERE user_id = $1 AND organization_id = $2 AND revoked_at IS NULL",
            [row.user_id, row.organization_id],
        )
        data = {"memberId": row.id, "userId": row.user_id}
        cursor = await door.audit(row.organization_id, "MEMBER_REMOVED", data)
        return {"organization": row.organization_id, "deleted": row.id, "cursor": cursor}

    return await ask.change(work)


async def _another_owner(door: Door, row: Membership, done: str, path: str) -> None:
    """The organization's lock keeps two owners from leaving at once."""
    owners = Membership.filter(organization_id=row.organization_id, role=Role.OWNER.value).using_db(door.connection)
    if row.role == Role.OWNER and await owners.count() == 1:
        raise Refused(
            "LAST_OWNER",
            f"The last owner of an organization cannot be {done}.",
            "Make another member an owner first.",
            path,
        )
