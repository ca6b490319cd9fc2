"""What a stream of logs tells. None of it knows who reads it, so that one object serves all who read the same."""

from dataclasses import dataclass

from live.log_lines import LogLine


@dataclass(frozen=True, slots=True)
class LogSource:
    """One run of one container. container_id is empty while it has not started, and of a run before the present one."""

    index: int
    service: str
    pod: str
    pod_uid: str
    container: str
    container_id: str


@dataclass(frozen=True, slots=True)
class LogSources:
    """Sources that the lines after it may name by their indexes; each is told once."""

    sources: tuple[LogSource, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """So many lines of a source were left out. Times are nanoseconds. reason: SLOW_CONSUMER or RATE_LIMIT."""

    source: int
    count: int
    first_ns: int
    last_ns: int
    reason: str

    @property
    def from_(self) -> str:
        """The time of the first of them."""
        return str(self.first_ns)

    @property
    def to(self) -> str:
        """The time of the last of them."""
        return str(self.last_ns)


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines in order, and what was left out beside them. size: bytes."""

    lines: tuple[LogLine, ...]
    size: int
    dropped: tuple[Drop, ...] = ()


@dataclass(frozen=True, slots=True)
class LogGap:
    """Lines of a source may be missing between these times (nanoseconds, 0 where unknown).

    reason: ROTATION or CLOCK_STEP. count: how many, where that is known.
    """

    source: int
    after_ns: int
    until_ns: int
    reason: str
    count: int | None = None

    @property
    def from_(self) -> str | None:
        """The time of the last line before it."""
        return str(self.after_ns) if self.after_ns else None

    @property
    def to(self) -> str | None:
        """The time of the first line after it."""
        return str(self.until_ns) if self.until_ns else None


@dataclass(frozen=True, slots=True)
class LogLifecycle:
    """What happened to a source, or to the watching of all of them (source is None).

    type: JOINED RESTARTED STATE ENDED LEFT FAULT INTERRUPTED RESUMED. at_ns: nanoseconds.
    """

    type: str
    source: int | None
    reason: str
    message: str
    exit_code: int | None
    restarts: int
    at_ns: int

    @property
    def at(self) -> str:
        """When it was seen."""
        return str(self.at_ns)


@dataclass(frozen=True, slots=True)
class LogHeartbeat:
    """upstreams: containers that are being read for this stream. lag_ms: how late the last line was; None before it."""

    upstreams: int
    lag_ms: int | None


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The last event of a stream. retryable: whether coming back is worth while."""

    reason: str
    retryable: bool
    message: str = ""


LogEvent = LogSources | LogBatch | LogGap | LogLifecycle | LogHeartbeat | LogEnd
