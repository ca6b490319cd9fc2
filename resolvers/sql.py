"""SQL text with numbered values, and the one way in which resolvers read the database."""

from typing import Any

from tortoise.connection import get_connection

LAG = "least(extract(epoch FROM clock_timestamp() - at) * 1000, 2147483647)::integer AS lag"
"""How many milliseconds ago an event was, at the moment it is read; at most what a GraphQL Int holds."""


class Values:
    """The values of one statement: called with a value, it gives the placeholder that stands for it."""

    def __init__(self, *first: Any) -> None:
        self.all: list[Any] = list(first)

    def __call__(self, value: Any) -> str:
        self.all.append(value)
        return f"${len(self.all)}"


async def rows(statement: str, values: Values | None = None) -> list[Any]:
    """The records that a SELECT gives, readable by position and by name."""
    _, found = await get_connection("default").execute_query(statement, values.all if values else None)
    return list(found)
