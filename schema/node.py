"""What has an id, and lists of it."""

from typing import Generic, TypeVar

import strawberry

from resolvers.paging import Edge as EdgeValue
from resolvers.paging import Page
from schema.fields import source

Item = TypeVar("Item")


@strawberry.interface(description="Anything that has an id of its own and can be read again by it.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and permanent; tells its type, and is never used again.")


@strawberry.type(description="Where a page stands in its list.")
@source(Page)
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether more follows; when paging backwards, whether `before` was sent."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether more comes before; when paging forwards, whether `after` was sent."
    )
    start_cursor: str | None = strawberry.field(description="The first item's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="The last item's cursor, to send as `after`; null on an empty page."
    )


@strawberry.type(description="An item of a list, with its place in it.")
@source(EdgeValue)
class Edge(Generic[Item]):
    cursor: str = strawberry.field(description="Opaque: the item's place in this list in this order.")
    node: Item = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list: 25 items unless asked otherwise, at most 100.")
@source(Page)
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the list.")
    total_count: int = strawberry.field(
        description="How many items the whole list has, pages aside. Counted only when it is asked for."
    )


PAGING = {
    "first": "At most so many from the start, or from after the cursor `after`: 0 to 100. Default: 25.",
    "after": "A cursor of this list in this order: the page begins behind it.",
    "last": "At most so many from the end, or from before the cursor `before`: 0 to 100.",
    "before": "A cursor of this list in this order: the page ends ahead of it.",
}
"""What every connection says of its arguments."""
