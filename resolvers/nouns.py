"""How rows of a table become what the contract shows: one statement for the rows, one more for each thing selected
on them, however many rows there are.

A `Noun` joins a table, the class of its rows and its `fills`: for a field that a row's columns do not answer, what
loads it for all rows at once. The classes and fills stand in `resolvers/rows/`, one noun a file.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.ids import kind_of
from resolvers.access import VISIBLE
from resolvers.context import Context
from resolvers.selection import Selection
from resolvers.sql import Values, rows

Fill = Callable[[Context, Sequence[Any], Selection], Awaitable[None]]

NOUNS: dict[str, "Noun"] = {}
"""By the name of the model, which is the name of the type in the contract."""


@dataclass(frozen=True)
class Noun:
    """live: the condition that a row `t` still counts as there; what is gone is in no list and has no node.
    renamed: the columns of the fields that have another name."""

    name: str
    table: str
    row: type[Any]
    fills: Mapping[str, Fill]
    live: str = "true"
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        NOUNS[self.name] = self

    @cached_property
    def columns(self) -> str:
        """What to select, in the order of the row class's fields."""
        fields = [field for field in dataclasses.fields(self.row) if field.init]
        return ", ".join(f't."{self.renamed.get(field.name, field.name)}"' for field in fields)

    @property
    def source(self) -> str:
        """What to select from."""
        return f'"{self.table}" t'

    def visible(self, context: Context, values: Values) -> str:
        """The condition that a row exists for the viewer."""
        return f"{VISIBLE[self.table](context.viewer, values)} AND {self.live}"

    async def fill(self, context: Context, found: Sequence[Any], selection: Selection) -> None:
        """Load what is selected on these rows and not among their columns."""
        done = set()
        for name, inner in selection.fields.items() if found else ():
            fill = self.fills.get(name)
            if fill is not None and fill not in done:
                done.add(fill)
                await fill(context, found, inner)

    async def of_ids(
        self, context: Context, ids: Iterable[str], selection: Selection, *, reached: bool = False
    ) -> dict[str, Any]:
        """The rows with these ids that exist for the viewer, filled.

        reached: the ids come from rows that the viewer may see and that always show what they refer to, such as an
        instance its environment; then nothing is hidden.
        """
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        values = Values(wanted)
        condition = "true" if reached else self.visible(context, values)
        records = await rows(f"SELECT {self.columns} FROM {self.source} WHERE t.id = ANY($1) AND {condition}", values)
        found = [self.row(*record) for record in records]
        await self.fill(context, found, selection)
        return {row.id: row for row in found}


def one(to: str, attribute: str, key: str, *, reached: bool = True) -> Fill:
    """A fill: the row of noun `to` whose id is in the column `key`; None where there is none.

    reached: as in `Noun.of_ids`; with False, what is gone or hidden from the viewer is None.
    """

    async def fill(context: Context, found: Sequence[Any], selection: Selection) -> None:
        ids = {getattr(row, key) for row in found} - {None}
        others = await NOUNS[to].of_ids(context, ids, selection, reached=reached)
        for row in found:
            setattr(row, attribute, others.get(getattr(row, key)))

    return fill


def many(to: str, attribute: str, key: str, order: str) -> Fill:
    """A fill: the list of rows of noun `to` that name this row in their column `key`, by `order`. For short lists
    of what is there as long as the row is."""

    async def fill(context: Context, found: Sequence[Any], selection: Selection) -> None:
        noun = NOUNS[to]
        values = Values([row.id for row in found])
        records = await rows(
            f"SELECT {noun.columns} FROM {noun.source} WHERE t.{key} = ANY($1) ORDER BY {order}", values
        )
        others = [noun.row(*record) for record in records]
        await noun.fill(context, others, selection)
        lists: dict[str, list[Any]] = defaultdict(list)
        for other in others:
            lists[getattr(other, key)].append(other)
        for row in found:
            setattr(row, attribute, lists[row.id])

    return fill


async def find(context: Context, ids: Iterable[str], selection: Selection) -> dict[str, Any]:
    """Rows of any noun by their ids: one statement for each noun among them. Unknown and hidden ones are left out."""
    by_noun: dict[str, list[str]] = defaultdict(list)
    for id in ids:
        name = kind_of(id)
        if name in NOUNS:
            by_noun[name].append(id)
    found: dict[str, Any] = {}
    for name, wanted in by_noun.items():
        found |= await NOUNS[name].of_ids(context, wanted, selection)
    return found
