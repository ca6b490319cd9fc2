"""What a stream of logs tells. None of it knows who reads it, so that one object serves all who read the same."""

from dataclasses import dataclass, field
from functools import cached_property

from live.log_cursor import Mark
from live.log_lines import LogLine


@dataclass(frozen=True, slots=True)
class LogSource:
    """One run of one container. container_id is empty while it has not started."""

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
    bytes: int
    first_ns: int
    last_ns: int
    reason: str

    def and_then(self, other: "Drop") -> "Drop":
        """This and what was left out after it, of the same source and for the same reason."""
        count, size = self.count + other.count, self.bytes + other.bytes
        return Drop(self.source, count, size, self.first_ns, other.last_ns, self.reason)

    @property
    def from_(self) -> str:
        """The time of the first of them."""
        return str(self.first_ns)

    @property
    def to(self) -> str:
        """The time of the last of them."""
        return str(self.last_ns)


@dataclass(frozen=True)
class LogBatch:
    """Lines in order, and what was left out beside them. size: bytes. mark: where a reader stands behind it."""

    lines: tuple[LogLine, ...]
    size: int
    dropped: tuple[Drop, ...] = ()
    mark: Mark | None = field(default=None, compare=False)

    @property
    def cursor(self) -> str | None:
        """What a reader goes on behind."""
        return self.mark.text if self.mark is not None else None

    @cached_property
    def sizes(self) -> dict[int, int]:
        """The bytes of each source's lines."""
        sizes: dict[int, int] = {}
        for line in self.lines:
            sizes[line.source] = sizes.get(line.source, 0) + line.size
        return sizes


@dataclass(frozen=True, slots=True)
class LogGap:
    """Lines of a source may be missing between these times (nanoseconds, 0 where unknown).

    source is None for a container that nothing is known of any more. reason: ROTATION, REMOVED or CLOCK_STEP. count:
    how many, where that is known.
    """

    source: int | None
    after_ns: int
    until_ns: int
    reason: str
    count: int | None = None

    @property
    def order(self) -> int:
        """What it is merged by with the lines of other sources; 0 where nothing came after it."""
        return self.until_ns

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

    type: JOINED RESTARTED STATE ENDED LEFT FAULT HELD INTERRUPTED RESUMED. at_ns: nanoseconds.
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
    """upstreams: containers that are being read for this stream. lag_ms: how late the last line was; None before it.
    mark: where its reader stands.
    """

    upstreams: int
    lag_ms: int | None
    mark: Mark | None = None

    @property
    def cursor(self) -> str | None:
        """What its reader goes on behind; None while its stream has not begun."""
        return self.mark.text if self.mark is not None else None


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The last event of a stream. retryable: whether coming back is worth while. cursor: what to come back with."""

    reason: str
    retryable: bool
    message: str = ""
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LogHorizon:
    """How far back the log of a source's container goes. at_ns: its first line's time, 0 where there is none.

    reason: why not further: START (it began then), ROTATION, or REMOVED.
    """

    source: int
    at_ns: int
    reason: str

    @property
    def at(self) -> str | None:
        """The time of the oldest line that can be had."""
        return str(self.at_ns) if self.at_ns else None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that were read from the cluster. The cursors stand in front of them and behind them."""

    lines: tuple[LogLine, ...]
    sources: tuple[LogSource, ...]
    gaps: tuple[LogGap, ...]
    start_cursor: str
    end_cursor: str
    has_more: bool
    horizon: tuple[LogHorizon, ...]


LogEvent = LogSources | LogBatch | LogGap | LogLifecycle | LogHeartbeat | LogEnd
