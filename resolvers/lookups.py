"""Single things: by id, and by the names that people know."""

from collections.abc import Callable
from typing import Any

from strawberry import ID, Info

from resolvers.context import Context
from resolvers.nouns import NOUNS, find
from resolvers.selection import selection
from resolvers.sql import Values, rows
from rules.refusals import Refused
from settings import settings


async def node(info: Info[Context, None], id: ID) -> Any:
    """The row with this id; None when there is none or the viewer may not see it."""
    return (await find(info.context, [id], selection(info))).get(id)


async def nodes(info: Info[Context, None], ids: list[ID]) -> list[Any]:
    """The rows with these ids, None in the place of each that is not there. Raises: Refused INVALID_INPUT."""
    limit = settings().page_limit
    if len(ids) > limit:
        raise Refused("INVALID_INPUT", f"{len(ids)} ids were sent; {limit} can be.", "Send fewer at once.", "ids")
    found = await find(info.context, ids, selection(info))
    return [found.get(id) for id in ids]


def named(to: str) -> Callable[..., Any]:
    """A resolver: the row of a noun by its machine name in an organization; None when it is not there."""

    async def resolve(info: Info[Context, None], name: str, organization: str | None = None) -> Any:
        values = Values(name)
        return await _first(info, to, f"t.name = $1 AND {_of(info.context, organization, values)}", values)

    return resolve


async def instance(info: Info[Context, None], app: str, name: str, organization: str | None = None) -> Any:
    """The instance of this name of the app of that name; None when it is not there. Raises: Refused INVALID_INPUT."""
    values = Values(name, app)
    of = _of(info.context, organization, values)
    apps = f"SELECT t.id FROM app t WHERE t.name = $2 AND t.deleted_at IS NULL AND {of}"
    return await _first(info, "Instance", f"t.name = $1 AND t.app_id IN ({apps})", values)


def _of(context: Context, organization: str | None, values: Values) -> str:
    """The condition that a row `t` is of an organization: the one named, or the only one that the viewer has."""
    if organization is not None:
        named = values(organization)
        return f"t.organization_id IN (SELECT o.id FROM organization o WHERE o.id = {named} OR o.name = {named})"
    if len(context.viewer.roles) > 1:
        raise Refused(
            "INVALID_INPUT",
            "You are in several organizations, which may have things of the same name.",
            "Send the organization's id or machine name.",
            "organization",
        )
    return f"t.organization_id = ANY({values(context.viewer.organization_ids)})"


async def _first(info: Info[Context, None], to: str, condition: str, values: Values) -> Any:
    noun = NOUNS[to]
    where = f"{condition} AND {noun.visible(info.context, values)}"
    found = [
        noun.row(*record) for record in await rows(f"SELECT {noun.columns} FROM {noun.source} WHERE {where}", values)
    ]
    await noun.fill(info.context, found, selection(info))
    return found[0] if found else None
