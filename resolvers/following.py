"""What every stream asks while it is open: may this viewer still see what it tells of."""

from typing import Any

from resolvers.access import VISIBLE
from resolvers.nouns import NOUNS
from resolvers.sql import Values, rows
from rules.viewer import Viewer

_ALIVE = (
    "SELECT 1 FROM token k WHERE k.id = $1 AND k.user_id = $2 AND k.revoked_at IS NULL "
    "AND (k.expires_at IS NULL OR k.expires_at > now())"
)


async def seen(viewer: Viewer, noun: str, id: str, columns: str = "t.id") -> Any:
    """Columns of a row `t`, deleted ones included; None unless the token still counts, the membership still stands,
    and the row is among what the viewer sees. One statement.

    noun: the name of a type whose rows belong to an organization.
    """
    table = NOUNS[noun].table
    values = Values(viewer.token_id, viewer.user_id, id)
    found = await rows(
        f'SELECT {columns} FROM "{table}" t WHERE t.id = $3 AND {VISIBLE[table](viewer, values)} '
        "AND EXISTS (SELECT FROM membership m WHERE m.user_id = $2 AND m.organization_id = t.organization_id) "
        f"AND EXISTS ({_ALIVE})",
        values,
    )
    return found[0] if found else None


async def still_seen(viewer: Viewer, noun: str, id: str) -> bool:
    """Whether the viewer still sees the row. What was deleted is still seen: its stream ends by an event of its own."""
    return await seen(viewer, noun, id) is not None


async def alive(viewer: Viewer) -> bool:
    """Whether the token still counts."""
    return bool(await rows(_ALIVE, Values(viewer.token_id, viewer.user_id)))
