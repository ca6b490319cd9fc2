"""An organization with its owner and a token that works, whether they are there already or not."""

import asyncio

from command.remote import Remote, RemoteError

_VIEWER = "query { viewer { organizations(first: 1) { nodes { id } } } }"


def owned(url: str, database_url: str, token: str, email: str, organization: str) -> tuple[str, str]:
    """The organization's id and a token: the given one where it still works, else a new one."""
    found = _organization(Remote(url, token)) if token else ""
    return (found, token) if found else asyncio.run(_make(database_url, email, organization))


def _organization(remote: Remote) -> str:
    """The id of the organization that a token sees; empty when the token is not known."""
    try:
        nodes = remote.ask(_VIEWER)["viewer"]["organizations"]["nodes"]
    except RemoteError:
        return ""
    return str(nodes[0]["id"]) if nodes else ""


async def _make(database_url: str, email: str, organization: str) -> tuple[str, str]:
    from models import database
    from resolvers.organizations import create_owner

    await database.open(database_url, pool=2)
    try:
        made = await create_owner(email, organization)
        return made.organization_id, made.secret
    finally:
        await database.close()
