"""Organizations: made, renamed, and made from the command line for a new installation."""

from dataclasses import dataclass, replace

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.transactions import in_transaction

from jobs.start import Door, Ids, same_version
from models import Environment, Membership, Organization, Token
from models.event import append
from resolvers.auth import hashed, new_secret
from resolvers.changes import Ask, Changed
from resolvers.users import address, named
from rules import names
from rules.access import includes
from rules.enums import EnvironmentType, Role, Scope
from rules.refusals import Refused

_ENVIRONMENTS = {
    EnvironmentType.PROD: "Production",
    EnvironmentType.STAGING: "Staging",
    EnvironmentType.TEST: "Test",
    EnvironmentType.DEV: "Development",
    EnvironmentType.FEATURE: "Feature",
}
"""What an organization begins with: one environment of each type, named after it."""


async def create(ask: Ask, name: str, title: str | None = None) -> Changed:
    """An organization that the viewer owns. Needs a token of scope ADMIN that is not narrowed.

    Raises: Refused INVALID_NAME, INVALID_INPUT, FORBIDDEN, NAME_TAKEN.
    """
    names.machine_name(name, "input.name")
    chosen = names.title(title, "input.title", default=name)

    async def work(door: Door) -> Ids:
        await _free_token(door)
        row = await _begin(door.connection, name, chosen, door.viewer.user_id)
        return {"organization": row.id, "cursor": await door.audit(row.id, "ORGANIZATION_CREATED", {"name": name})}

    done = await ask.change(work)
    viewer = ask.viewer
    roles = {**viewer.roles, str(done.ids["organization"]): Role.OWNER}
    if done.fresh:
        ask.context.viewer = replace(viewer, roles=roles)
    return done


async def rename(ask: Ask, id: str, title: str, expected_version: int | None = None) -> Changed:
    """Changes the title; the name is permanent. Raises: Refused."""

    async def work(door: Door) -> Ids:
        row = await door.organization(id, Scope.ADMIN, "input.id")
        same_version(row.version, expected_version)
        row.title = names.title(title, "input.title")
        row.version += 1
        await row.save(using_db=door.connection, update_fields=["title", "version"])
        return {"organization": id, "cursor": await door.audit(id, "ORGANIZATION_RENAMED", {"title": row.title})}

    return await ask.change(work)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who was made, or was there; the secret is a new token's, and is kept nowhere."""

    organization_id: str
    user_id: str
    secret: str


async def create_owner(email: str, name: str, user_name: str = "") -> Owner:
    """Makes the organization, the user and the membership where they are missing, and a new token with every scope.

    For the operator's command line, which has no token yet; done again it makes up for a lost token, and for an owner
    who was removed. The database must be open. Raises: Refused INVALID_NAME, INVALID_INPUT.
    """
    names.machine_name(name, "organization")
    found = address(email, "email")
    secret = new_secret()
    async with in_transaction() as connection:
        user = await named(connection, found, user_name)
        row = await Organization.select_for_update(no_key=True).using_db(connection).get_or_none(name=name)
        if row is None:
            row = await _begin(connection, name, name, user.id)
            await append(connection, row.id, row.id, "ORGANIZATION_CREATED", {"name": name}, actor_id=user.id)
        else:
            await Membership.update_or_create(
                {"role": Role.OWNER.value}, using_db=connection, organization_id=row.id, user_id=user.id
            )
        token = await Token.create(
            using_db=connection,
            user_id=user.id,
            name="Made by berth admin",
            hash=hashed(secret),
            scope=Scope.ADMIN.value,
        )
        data = {"tokenId": token.id, "userId": user.id, "scope": token.scope}
        await append(connection, row.id, row.id, "TOKEN_CREATED", data, actor_id=user.id)
    return Owner(row.id, user.id, secret)


async def _begin(connection: BaseDBAsyncClient, name: str, title: str, user_id: str) -> Organization:
    row = await Organization.create(using_db=connection, name=name, title=title)
    await Membership.create(using_db=connection, organization_id=row.id, user_id=user_id, role=Role.OWNER.value)
    for type, words in _ENVIRONMENTS.items():
        await Environment.create(
            using_db=connection, organization_id=row.id, name=type.value.lower(), title=words, type=type.value
        )
    return row


async def _free_token(door: Door) -> None:
    token = await Token.get(id=door.viewer.token_id, using_db=door.connection)
    if token.organization_id is not None:
        raise Refused(
            "FORBIDDEN",
            "Your token is narrowed to an organization, so it cannot make another one.",
            "Use a token that is not narrowed.",
            details={"missing": Scope.ADMIN},
        )
    if not includes(door.viewer.scope, Scope.ADMIN):
        raise Refused(
            "FORBIDDEN",
            f"Your token's scope {door.viewer.scope} does not allow this; it needs ADMIN.",
            "Use a token with the scope ADMIN.",
            details={"missing": Scope.ADMIN},
        )
