"""The lists of the contract: of everything the viewer may see, and of what belongs to one row."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from strawberry import Info

from resolvers.context import Context
from resolvers.nouns import NOUNS, Noun
from resolvers.paging import Page, Window, window
from resolvers.selection import Selection, selection
from resolvers.sql import Values, rows

Conditions = list[tuple[str, Any]]


def listed(to: str, filters: Mapping[str, str], order: str) -> Callable[..., Any]:
    """A resolver: a page of all rows of a noun that the viewer may see.

    filters: for each field of the list's filter input, a condition on a row `t` with {} for the value.
    order: the one that is used when none is asked for.
    """
    preferred = order

    async def resolve(
        info: Info[Context, None],
        filter: Any = None,
        order: Any = preferred,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page:
        part = window(order, first, after, last, before)
        return await read_page(info.context, NOUNS[to], part, selection(info), conditions_of(filters, filter))

    return resolve


def conditions_of(filters: Mapping[str, str], given: Any) -> Conditions:
    """The conditions that a filter input stands for. filters: as in `listed`."""
    if given is None:
        return []
    return [(condition, value) for name, condition in filters.items() if (value := getattr(given, name)) is not None]


def nested(to: str, key: str, order: str) -> Callable[..., Any]:
    """A resolver: a page of the rows of a noun that name the parent row in their column `key`.

    Siblings share one statement, so a list of lists costs no more statements than one list.
    """

    def resolve(
        root: Any,
        info: Info[Context, None],
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> "asyncio.Future[Page]":
        raw = info._raw_info

        async def load(parents: list[str]) -> Mapping[str, Page]:
            part = window(order, first, after, last, before)
            return await read_pages(info.context, NOUNS[to], part, selection(info), key, parents)

        # Siblings have the same field of the same document with the same values for its variables.
        batch = (to, key, id(raw.field_nodes[0]), id(raw.variable_values))
        return info.context.batches.load(batch, root.id, load)

    return resolve


async def read_page(
    context: Context, noun: Noun, part: Window, wanted: Selection, conditions: Conditions | None = None
) -> Page:
    """One page of a noun's rows, with what is selected on them."""
    values = Values()
    where = chosen(context, noun, values, conditions or [])
    head = len(values.all)
    statement = (
        f"SELECT {noun.columns} FROM {noun.source} WHERE {where} AND {part.condition(values)} "
        f"ORDER BY {part.order_by} LIMIT {part.size + 1}"
    )
    page = part.page([noun.row(*record) for record in await rows(statement, values)])
    await noun.fill(context, page.nodes, wanted.of_rows)
    if "totalCount" in wanted:
        counted = await rows(f"SELECT count(*) FROM {noun.source} WHERE {where}", Values(*values.all[:head]))
        page.total_count = counted[0][0]
    return page


async def read_pages(
    context: Context, noun: Noun, part: Window, wanted: Selection, key: str, parents: list[str]
) -> Mapping[str, Page]:
    """The same page of each parent's rows, in one statement."""
    values = Values(parents)
    where = chosen(context, noun, values, [])
    head = len(values.all)
    statement = (
        f"SELECT p.id, r.* FROM unnest($1::text[]) AS p(id) CROSS JOIN LATERAL "
        f"(SELECT {noun.columns} FROM {noun.source} WHERE t.{key} = p.id AND {where} AND {part.condition(values)} "
        f"ORDER BY {part.order_by} LIMIT {part.size + 1}) r"
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for parent, *record in await rows(statement, values):
        found[parent].append(noun.row(*record))
    pages = {parent: part.page(found[parent]) for parent in parents}
    await noun.fill(context, [row for page in pages.values() for row in page.nodes], wanted.of_rows)
    if "totalCount" in wanted:
        counted = await rows(
            f"SELECT t.{key}, count(*) FROM {noun.source} WHERE t.{key} = ANY($1) AND {where} GROUP BY 1",
            Values(*values.all[:head]),
        )
        for parent, count in counted:
            pages[parent].total_count = count
    return pages


def chosen(context: Context, noun: Noun, values: Values, conditions: Conditions) -> str:
    """The condition that a row is in the list."""
    parts = [noun.visible(context, values)]
    for condition, value in conditions:
        parts.append(condition.format(values([str(item) for item in value] if isinstance(value, list) else value)))
    return " AND ".join(parts)
