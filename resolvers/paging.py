"""Pages of lists, by key: never by offset, so that a page is as cheap far down as at the top and rows that come and go
meanwhile neither repeat nor hide another.

Source of the shape: the GraphQL Cursor Connections Specification (relay.dev/graphql/connections.htm).
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from resolvers.sql import Values
from rules.refusals import Refused
from settings import settings

_VERSION = 1


class ListOrder(StrEnum):
    """How a list is sorted."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"


class TimeOrder(StrEnum):
    """How a list of things without a name is sorted."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


NUMBER = "NUMBER"
"""The order of what is numbered under its parent, where no two are equal."""

_COLUMNS = {
    "NEWEST": ("created_at", True),
    "OLDEST": ("created_at", False),
    "NAME": ("name", False),
    NUMBER: ("number", False),
}
_CASTS = {"created_at": "::text::timestamptz", "name": "::text", "number": "::text::bigint"}
_READ: dict[str, Callable[[str], object]] = {"created_at": datetime.fromisoformat, "name": str, "number": int}


def cursor(order: str, row: Any) -> str:
    """Where a row stands in a list of this order."""
    key = getattr(row, _COLUMNS[order][0])
    text = key.isoformat() if isinstance(key, datetime) else str(key)
    return urlsafe_b64encode(orjson.dumps([_VERSION, order, text, row.id])).decode().rstrip("=")


def _position(text: str, order: str, path: str) -> tuple[str, str]:
    try:
        version, of, key, id = orjson.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        if version != _VERSION or of != order or not isinstance(key, str) or not isinstance(id, str):
            raise ValueError("made by another list")
        _READ[_COLUMNS[order][0]](key)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Refused(
            "INVALID_CURSOR",
            f"{text[:80]!r} is no cursor of this list in this order.",
            "Send a cursor from a page of the same list, in the same order, or none to begin anew.",
            path,
        ) from error
    return key, id


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for. Raises, when it is made by `window`: Refused."""

    order: str
    size: int
    backwards: bool = False
    bound: tuple[str, str] | None = None

    def condition(self, values: Values) -> str:
        """The condition that a row stands beyond the cursor."""
        if self.bound is None:
            return "true"
        name, descending = _COLUMNS[self.order]
        sign = "<" if descending is not self.backwards else ">"
        key = f"{values(self.bound[0])}{_CASTS[name]}"
        if self.order == NUMBER:
            return f't."{name}" {sign} {key}'
        return f'(t."{name}", t.id) {sign} ({key}, {values(self.bound[1])})'

    @property
    def order_by(self) -> str:
        """The order in which to read, away from the cursor."""
        name, descending = _COLUMNS[self.order]
        word = "DESC" if descending is not self.backwards else "ASC"
        return f't."{name}" {word}' if self.order == NUMBER else f't."{name}" {word}, t.id {word}'

    def page(self, found: list[Any]) -> "Page":
        """The page of rows that were read in `order_by`, one more than `size` where there are more."""
        more = len(found) > self.size
        shown = found[: self.size]
        if self.backwards:
            shown.reverse()
            return Page(self.order, shown, has_next_page=self.bound is not None, has_previous_page=more)
        return Page(self.order, shown, has_next_page=more, has_previous_page=self.bound is not None)


def window(
    order: str, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> Window:
    """What the arguments of a connection ask for. Raises: Refused INVALID_INPUT, INVALID_CURSOR."""
    if (last is not None or before is not None) and (first is not None or after is not None):
        raise Refused(
            "INVALID_INPUT",
            "first and after page forwards, last and before page backwards; they cannot be mixed.",
            "Send one pair.",
            "last" if last is not None else "before",
        )
    backwards = last is not None or before is not None
    name, size = ("last", last) if backwards else ("first", first)
    limit = settings().page_limit
    if size is not None and not 0 <= size <= limit:
        raise Refused(
            "INVALID_INPUT", f"{name} is {size}; a page has 0 to {limit} items.", f"Ask for 0 to {limit}.", name
        )
    text = before if backwards else after
    bound = None if text is None else _position(text, order, "before" if backwards else "after")
    return Window(order, settings().page_default if size is None else size, backwards, bound)


@dataclass(slots=True, eq=False)
class Edge:
    """One row with its cursor."""

    order: str
    node: Any

    @property
    def cursor(self) -> str:
        """Where it stands."""
        return cursor(self.order, self.node)


@dataclass(slots=True, eq=False)
class Page:
    """A part of a list. `total_count` is set where it is selected."""

    order: str
    nodes: list[Any]
    has_next_page: bool
    has_previous_page: bool
    total_count: int = 0

    @property
    def edges(self) -> list[Edge]:
        """The rows with their cursors."""
        return [Edge(self.order, row) for row in self.nodes]

    @property
    def page_info(self) -> "Page":
        """The page itself: it knows where it stands."""
        return self

    @property
    def start_cursor(self) -> str | None:
        """The first row's cursor."""
        return cursor(self.order, self.nodes[0]) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The last row's cursor."""
        return cursor(self.order, self.nodes[-1]) if self.nodes else None
