"""Users, who come to be when somebody names their address."""

import re

from tortoise.backends.base.client import BaseDBAsyncClient

from models import User
from models.ids import new_id
from rules import names
from rules.refusals import Refused

_ADDRESS = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,189}")


def address(email: str, path: str) -> str:
    """An e-mail address in lower case. Raises: Refused INVALID_INPUT for what cannot be one."""
    found = email.strip().lower()
    if not _ADDRESS.fullmatch(found) or not found.isprintable():
        raise Refused("INVALID_INPUT", f"{email[:80]!r} is no e-mail address.", "Use one like ada@example.com.", path)
    return found


async def named(connection: BaseDBAsyncClient, email: str, name: str = "") -> User:
    """The user with this address (already checked), made when there is none. name: of a user who is made.

    Raises: Refused INVALID_INPUT for a name that is no name.
    """
    chosen = names.title(name or email.partition("@")[0], "name")
    await connection.execute_query(
        'INSERT INTO "user" (id, email, name) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING',
        [new_id("usr"), email, chosen],
    )
    return await User.get(email=email, using_db=connection)
