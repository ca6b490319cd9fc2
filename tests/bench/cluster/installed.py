"""An installation with its own PostgreSQL and Valkey, for the length of a benchmark."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import Postgres, Valkey
from models.migrate import migrate
from tests.kit.installation import Installation


@contextmanager
def installed() -> Iterator[Installation]:
    """Servers as production has them: everything is flushed to the disk."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as folder:
        postgres, valkey = Postgres(Path(folder, "postgres")), Valkey(Path(folder, "valkey"))
        postgres.start()
        valkey.start()
        try:
            asyncio.run(migrate(postgres.dsn()))
            with Installation(postgres.dsn(), valkey.url(), Path(folder)) as running:
                yield running
        finally:
            valkey.stop()
            postgres.stop()
