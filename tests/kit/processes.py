"""Looking at processes from outside: who descends from whom, and when they have ended."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

WITHIN = 30
"""Seconds that anything may take here."""


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(other for child in children for other in family(int(child)))]


def wait_until_ended(pids: Iterable[int]) -> None:
    """Wait until processes, whoever's children they are, have ended. Fails after a deadline."""
    deadline = time.monotonic() + WITHIN
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                ended, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            finally:
                os.close(descriptor)
            assert ended, f"{pid} has not ended: {Path(f'/proc/{pid}/cmdline').read_text()!r}"


def wait_until(condition: Callable[[], object]) -> None:
    """Look until a condition of another process holds. Fails after a deadline."""
    deadline = time.monotonic() + WITHIN
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.02)
