"""How a command ends when it cannot go on: one sentence on standard error, status 1."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


def give_up(sentence: object) -> NoReturn:
    """Print what is wrong and end with status 1."""
    print(sentence, file=sys.stderr)
    sys.exit(1)


@contextmanager
def quietly() -> Iterator[None]:
    """Ends the program as a terminal expects it: status 130 at Ctrl-C, and 0 when whoever read its output has gone."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        sys.exit(0)
