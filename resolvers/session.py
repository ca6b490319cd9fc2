"""A connection as its streams see it: who speaks on it by now, and why they must end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rules.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Ending:
    """Why every stream of a connection ends. retryable: whether coming back, with the last cursor, is worth while."""

    reason: str
    retryable: bool
    message: str


SERVER_DRAIN = Ending("SERVER_DRAIN", True, "The server is ending: come back with the last cursor.")
ACCESS_LOST = Ending("ACCESS_LOST", False, "The token is revoked or past its end.")


class Session:
    """Lives as long as its connection. A stream looks at `ending` whenever it is woken, and tells it as its last event.

    stays: the connection outlives an operation, so that another token may be put in place of its first. token: the
    secret that it is proved with now. renewed: whom that stands for, where it is not the first one any more.
    """

    def __init__(self, token: str = "", *, stays: bool = False) -> None:
        self.token = token
        self.stays = stays
        self.renewed: Viewer | None = None
        self.ending: Ending | None = None
        self._wakes: set[Callable[[], None]] = set()

    def renew(self, token: str, viewer: Viewer) -> None:
        """Goes on as this viewer, whom the token stands for."""
        self.token, self.renewed = token, viewer

    def end(self, ending: Ending) -> None:
        """Wakes every stream for it to end. The first ending counts."""
        if self.ending is None:
            self.ending = ending
            for wake in list(self._wakes):
                wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Calls `wake` when the streams must end, for the length of a block."""
        self._wakes.add(wake)
        try:
            yield
        finally:
            self._wakes.discard(wake)
