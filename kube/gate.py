"""What stands before every request to a cluster: it may refuse one unsent, and hears what came of the others."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Gate(Protocol):
    """One cluster's. `live.breaker` has the one that shuts."""

    def check(self) -> None:
        """Raises CircuitOpen when a request would be refused now."""

    def passing(self) -> AbstractContextManager[object]:
        """Stands around one request. Raises CircuitOpen, and then the request is not sent."""

    def answered(self) -> None:
        """Hears that the cluster has answered what did not come this way."""


class Unguarded:
    """A gate that lets everything pass, for clusters that are asked once."""

    def check(self) -> None:
        return

    def passing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def answered(self) -> None:
        return
