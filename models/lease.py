"""Leases: who may write a task's progress, by the database's clock."""

from dataclasses import dataclass
from time import monotonic


class LeaseLost(Exception):  # noqa: N818 - it is what happened
    """Another worker may have the task by now: nothing more may be written, neither rows nor objects."""


@dataclass(slots=True)
class Lease:
    """What a worker holds. `until` is on this process's monotonic clock, counted from before it was asked for."""

    token: str
    until: float

    def left(self) -> float:
        """Seconds in which this worker may still write."""
        return self.until - monotonic()

    def guard(self, needed: float) -> None:
        """Raises LeaseLost unless more than `needed` seconds are left."""
        if self.left() <= needed:
            raise LeaseLost(f"{self.left():.1f} s are left of the lease, a write may take {needed:.1f} s")
