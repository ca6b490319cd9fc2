"""Who asks, as the contract shows it."""

from typing import Any

from strawberry import Info

from resolvers.context import Context
from resolvers.lists import read_page
from resolvers.nouns import NOUNS
from resolvers.paging import ListOrder, Page, TimeOrder, window
from resolvers.selection import selection
from rules.viewer import Viewer


def viewer(info: Info[Context, None]) -> Viewer:
    """Who sent this request."""
    return info.context.viewer


def user_id(root: Viewer) -> str:
    """The user's id, without reading the database."""
    return root.user_id


async def user(root: Viewer, info: Info[Context, None]) -> Any:
    """The user's row."""
    found = await NOUNS["User"].of_ids(info.context, [root.user_id], selection(info))
    return found[root.user_id]


async def token(root: Viewer, info: Info[Context, None]) -> Any:
    """The row of the token that this request was sent with."""
    found = await NOUNS["Token"].of_ids(info.context, [root.token_id], selection(info))
    return found[root.token_id]


async def tokens(
    info: Info[Context, None],
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Page:
    """A page of the viewer's own tokens. Raises: Refused."""
    part = window(TimeOrder.NEWEST, first, after, last, before)
    own = [("t.user_id = {}", info.context.viewer.user_id)]
    return await read_page(info.context, NOUNS["Token"], part, selection(info), own)


async def organizations(
    info: Info[Context, None],
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Page:
    """A page of the organizations that the viewer's token reaches. Raises: Refused."""
    part = window(ListOrder.NAME, first, after, last, before)
    return await read_page(info.context, NOUNS["Organization"], part, selection(info))
