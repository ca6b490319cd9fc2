"""What only the operator may do: the first owner, and the keyring."""

import asyncio
from pathlib import Path

from tortoise.connection import get_connection

from command.ending import give_up
from command.reaching import database_told
from models import database
from models.keyring import Keyring, KeyringError
from models.resealing import reseal
from resolvers import organizations
from rules.refusals import Refused
from settings import settings


def create_owner(email: str, organization: str, name: str) -> None:
    """Make the owner in the database at DATABASE_URL and print the token, which is not kept anywhere."""
    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of Berth's database.")

    async def run() -> organizations.Owner:
        await database.open(settings().database_url, pool=2)
        try:
            return await organizations.create_owner(email, organization, name)
        finally:
            await database.close()

    try:
        with database_told():
            made = asyncio.run(run())
    except Refused as refusal:
        give_up(f"{refusal.message} {refusal.remedy}")
    print(f"organization {made.organization_id}\nuser         {made.user_id}\ntoken        {made.secret}")
    print("Keep the token: it is shown this once.")


def rotate_keyring(path: Path) -> None:
    """Give the keyring a new primary key, and seal what the database at DATABASE_URL holds with it."""
    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of Berth's database.")

    async def run() -> tuple[Keyring, int]:
        await database.open(settings().database_url, pool=2)
        try:
            await get_connection("default").execute_query("SELECT 1")  # before the file is changed
            keyring = Keyring.rotate(path)
            return keyring, await reseal(keyring)
        finally:
            await database.close()

    try:
        with database_told():
            keyring, changed = asyncio.run(run())
    except KeyringError as error:
        give_up(error)
    print(f"{path} has the new key {keyring.primary}, and {changed} secrets were sealed with it. Back it up.")


def create_keyring(path: Path) -> None:
    """Write a new keyring."""
    try:
        keyring = Keyring.create(path)
    except KeyringError as error:
        give_up(error)
    print(f"{path} holds the key {keyring.primary}. Back it up: without it, the secrets in the database are lost.")
