"""The contract as text: `python -m schema.export` writes `schema/schema.graphql`, which is committed.

A change of the contract is then a change in that file, seen in review; a test holds that the two agree.
"""

from pathlib import Path

from graphql import lexicographic_sort_schema, print_schema

from schema import schema

FILE = Path(__file__).parent / "schema.graphql"


def sdl() -> str:
    """The contract in the schema definition language, types and fields in alphabetical order."""
    return print_schema(lexicographic_sort_schema(schema._schema)) + "\n"


if __name__ == "__main__":
    FILE.write_text(sdl())
