"""What only the operator may do: the first owner, and the keyring."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tortoise.transactions import in_transaction

from command.ending import give_up
from models import Membership, Organization, Token, User, database
from models.keyring import Keyring, KeyringError
from resolvers.auth import hashed, new_secret
from rules.enums import Role, Scope
from rules.names import machine_name, title
from rules.refusals import Refused
from settings import settings


@dataclass(frozen=True, slots=True)
class Owner:
    """Who was made, or was there; the secret is new each time."""

    organization_id: str
    user_id: str
    secret: str


async def make_owner(email: str, organization: str, name: str = "") -> Owner:
    """Make the organization, the user and the membership where they are missing, and a new token with every scope.

    The database must be open. Run again it repairs what is missing, so a lost token is replaced by running it again.

    Raises:
        Refused: a name or the address breaks its rule.
    """
    email = email.strip().lower()
    if not 3 <= len(email) <= 254 or "@" not in email[1:-1]:
        raise Refused("INVALID_INPUT", f"{email[:80]!r} is not an email address.", "Give it as name@domain.", "email")
    machine_name(organization, "organization")
    shown = title(name or None, "name", default=email.split("@")[0])
    async with in_transaction():
        owned, _ = await Organization.get_or_create(name=organization, defaults={"title": organization})
        user, _ = await User.get_or_create(email=email, defaults={"name": shown})
        await Membership.update_or_create(organization=owned, user=user, defaults={"role": Role.OWNER})
        secret = new_secret()
        await Token.create(user=user, name="Made by berth admin", hash=hashed(secret), scope=Scope.ADMIN)
    return Owner(owned.id, user.id, secret)


def create_owner(email: str, organization: str, name: str) -> None:
    """Make the owner in the database at DATABASE_URL and print the token, which is not kept anywhere."""
    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of Berth's database.")

    async def run() -> Owner:
        await database.open(settings().database_url, pool=2)
        try:
            return await make_owner(email, organization, name)
        finally:
            await database.close()

    try:
        made = asyncio.run(run())
    except Refused as refusal:
        give_up(refusal)
    print(f"organization {made.organization_id}\nuser         {made.user_id}\ntoken        {made.secret}")
    print("Keep the token: it is shown this once.")


def create_keyring(path: Path) -> None:
    """Write a new keyring."""
    try:
        keyring = Keyring.create(path)
    except KeyringError as error:
        give_up(error)
    print(f"{path} holds the key {keyring.primary}. Back it up: without it, the secrets in the database are lost.")
