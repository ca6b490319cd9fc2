"""Who may use the real cluster now: most tests beside each other, those that disturb it alone."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(exclusive: bool) -> Iterator[None]:
    """Keeps tests that disturb the real cluster apart from all others, in other processes too.

    Others hold the second lock together; whoever waits for it alone holds the first, so that no more of them come in.
    """
    how = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    folder = Path(tempfile.gettempdir())
    with (folder / "berth-test-gate").open("w") as gate, (folder / "berth-test-cluster").open("w") as held:
        fcntl.flock(gate, how)
        fcntl.flock(held, how)
        if not exclusive:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield
