"""Whether a cluster is worth asking: after some silences in a row, one request at a time finds out when it is again.

A silence is a request that got no answer at all. Any answer, also a refusal, says that somebody is there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from kube.errors import CircuitOpen, KubeError, Unreachable
from rules.enums import BreakerState
from settings import settings


@dataclass(frozen=True, slots=True)
class Standing:
    """How a breaker is.

    reason, since: what the last request met, and when the silence began; empty and None while it is closed. next_try:
    when the cluster is asked again, None while it is being asked.
    """

    state: BreakerState = BreakerState.CLOSED
    reason: str = ""
    since: datetime | None = None
    next_try: datetime | None = None


class Breaker:
    """One cluster's, in one process. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._silences = 0
        self._since: datetime | None = None
        self._reason = ""
        self._open = False
        self._pause = 0.0
        self._next = 0.0
        self._next_at: datetime | None = None
        self._probing = False

    @property
    def standing(self) -> Standing:
        """How it is now."""
        if not self._open:
            return Standing()
        if self._probing:
            return Standing(BreakerState.HALF_OPEN, self._reason, self._since)
        return Standing(BreakerState.OPEN, self._reason, self._since, self._next_at)

    def check(self) -> None:
        """Raises CircuitOpen when a request would be refused now."""
        if self._open and (self._probing or self._clock() < self._next):
            raise self._refusal()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Stands around one request. Raises CircuitOpen, and then the request is not sent."""
        self.check()
        probe = self._probing = self._open
        try:
            yield
        except Unreachable as silence:
            self._silent(silence, probe)
            raise
        except KubeError:
            self.answered()
            raise
        except BaseException:
            if probe:
                self._probing = False  # it was given up before it could say anything: the next one finds out
            raise
        self.answered()

    def answered(self) -> None:
        """The cluster is there."""
        self._silences, self._since, self._reason = 0, None, ""
        self._open = self._probing = False
        self._pause = 0.0

    def _silent(self, silence: Unreachable, probe: bool) -> None:
        if self._open and not probe:
            return  # it was sent before the breaker opened, and says nothing new
        self._silences += 1
        self._since = self._since or datetime.now(UTC)
        self._reason = silence.silence
        if probe or self._silences >= settings().breaker_silences:
            self._pause = min(max(self._pause * 2, settings().breaker_first), settings().breaker_most)
            self._next, self._next_at = self._clock() + self._pause, datetime.now(UTC) + timedelta(seconds=self._pause)
            self._open, self._probing = True, False

    def _wait(self) -> float:
        """Seconds until it is asked again, as far as that is known while it is being asked."""
        if self._probing:
            return settings().breaker_first
        return max(0.0, self._next - self._clock())

    def _refusal(self) -> CircuitOpen:
        standing = self.standing
        assert standing.since is not None
        return CircuitOpen(standing.reason, since=standing.since, next_try=standing.next_try, wait=self._wait())
