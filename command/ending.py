"""How a command ends when it cannot go on: one sentence on standard error, status 1."""

import sys
from typing import NoReturn


def give_up(sentence: object) -> NoReturn:
    """Print what is wrong and end with status 1."""
    print(sentence, file=sys.stderr)
    sys.exit(1)
