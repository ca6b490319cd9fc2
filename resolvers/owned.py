"""Rows that belong to an organization and to no app: found, judged and locked for a change."""

from typing import Any, TypeVar

from tortoise.models import Model

from jobs.start import Door, same_version
from rules.enums import Scope
from rules.refusals import Refused, not_found

Row = TypeVar("Row", bound=Model)


async def locked(
    door: Door,
    model: type[Row],
    id: str,
    needs: Scope,
    expected: int | None = None,
    path: str = "input.id",
    **live: Any,
) -> Row:
    """The row, locked after its organization. live: what columns must say for the row to count as there.

    Raises: Refused NOT_FOUND, FORBIDDEN, VERSION_CONFLICT.
    """
    found: Any = await model.get_or_none(id=id, using_db=door.connection, **live)
    if found is None:
        raise not_found(path)
    await door.organization(found.organization_id, needs, path)
    row: Any = await model.select_for_update().using_db(door.connection).get_or_none(id=id, **live)
    if row is None:
        raise not_found(path)
    same_version(row.version, expected)
    return row  # type: ignore[no-any-return]


def in_use(count: int, what: str, consequence: str, path: str) -> None:
    """Raises: Refused IN_USE when instances, so many, still need what is to go."""
    if count:
        raise Refused(
            "IN_USE",
            f"{count} {'instance uses' if count == 1 else 'instances use'} this {what}, so {consequence}.",
            "Delete those instances first.",
            path,
            details={"count": count},
        )
