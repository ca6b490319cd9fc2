"""One connection to a database, for code that waits in no event loop."""

import asyncio
from typing import Any

import asyncpg


class Session:
    """Open until `close`. url: of a database."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.Runner()
        self._connection: Any = self._loop.run(asyncpg.connect(url))

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """What a statement returns, a dict a row."""
        return [dict(row) for row in self._loop.run(self._connection.fetch(statement, *values))]

    def run(self, script: str) -> None:
        """Any number of statements without values."""
        self._loop.run(self._connection.execute(script))

    def close(self) -> None:
        """Ends the connection; its locks go with it."""
        self._connection.terminate()
        self._loop.close()
