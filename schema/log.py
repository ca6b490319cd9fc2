"""Live logs, as streams tell them. No type here knows who reads it, so that one event serves all who read the same.

Fields of one name have one type in all events, so that one selection can ask for them without aliases.
"""

from enum import Enum
from typing import Annotated

import strawberry

from live import log_events, log_lines
from schema.fields import source


def _value(name: str, description: str) -> str:
    return strawberry.enum_value(name, description=description)  # type: ignore[return-value]


@strawberry.enum(description="How grave a line of a container says that it is, from the least to the gravest.")
class LineLevel(Enum):
    TRACE = _value("TRACE", "Every little step.")
    DEBUG = _value("DEBUG", "For those who look for a fault.")
    INFO = _value("INFO", "What is being done.")
    WARNING = _value("WARNING", "Something is less than well.")
    ERROR = _value("ERROR", "Something failed.")
    FATAL = _value("FATAL", "The program cannot go on.")


@strawberry.enum(description="Why lines were left out; more reasons may come.")
class LogDropReason(Enum):
    SLOW_CONSUMER = _value("SLOW_CONSUMER", "You read more slowly than lines came: the oldest were left out.")
    RATE_LIMIT = _value("RATE_LIMIT", "The container wrote more for a while than one may hand on.")


@strawberry.enum(description="What happened to a source; more may come.")
class LogLifecycleType(Enum):
    JOINED = _value("JOINED", "A container started.")
    RESTARTED = _value("RESTARTED", "A container was started again; reason and exit code tell of its run before.")
    STATE = _value("STATE", "A container does not run, for this reason.")
    ENDED = _value("ENDED", "A container has run to its end.")
    LEFT = _value("LEFT", "Its pod is gone.")
    FAULT = _value("FAULT", "The node could not hand lines out, and said so in these words.")
    HELD = _value(
        "HELD",
        "It is not read yet: as many logs as may be are read of its node (reason UPSTREAMS_PER_NODE) or cluster "
        "(UPSTREAMS_PER_CLUSTER). It is read when another one ends.",
    )
    INTERRUPTED = _value("INTERRUPTED", "The cluster does not answer; it is asked again and again.")
    RESUMED = _value("RESUMED", "The cluster answers again.")


@strawberry.input(description="Which lines are wanted; what is left out or empty takes all.")
class LogFilter:
    services: list[str] | None = strawberry.field(default=None, description="Names of app services.")
    containers: list[str] | None = strawberry.field(default=None, description="Names of containers.")
    pods: list[str] | None = strawberry.field(default=None, description="Names of pods.")
    previous: bool = strawberry.field(
        default=False,
        description="Of each container the run before the present one instead; then the stream ends.",
    )
    contains: str | None = strawberry.field(
        default=None, description="A text that the line holds; upper and lower case are alike."
    )
    min_level: LineLevel | None = strawberry.field(
        default=None, description="The least level; a line that does not say how grave it is counts as INFO."
    )


@strawberry.type(description="One run of one container, that lines come from.")
@source(log_events.LogSource)
class LogSource:
    index: int = strawberry.field(description="What lines and events of this stream name it by.")
    service: str = strawberry.field(description="The app service's name.")
    pod: str = strawberry.field(description="The pod's name.")
    container: str = strawberry.field(description="The container's name.")
    container_id: str = strawberry.field(description="The run's id; empty while the container has not started.")


@strawberry.type(description="Sources that the events after it may name. The first event of a stream is one of these.")
@source(log_events.LogSources)
class LogSources:
    sources: list[LogSource] = strawberry.field(description="Each source is told once.")


@strawberry.type(description="A line that a container wrote.")
@source(log_lines.LogLine)
class ContainerLine:
    seq: int = strawberry.field(
        description="Counts the lines of its source from the stream's beginning: a number that is missing was left out "
        "by a filter or a drop. 0 for lines that were read again for you, such as those that a cursor had missed: "
        "only gaps are missing among them."
    )
    timestamp: str = strawberry.field(description="When the node took it in: nanoseconds since 1970, as text.")
    source: int = strawberry.field(description="The index of its source.")
    message: str = strawberry.field(description="The text with its colours, at most 64 KiB.")
    plain: str = strawberry.field(description="The text without colours.")
    raw: str = strawberry.field(
        description="The text with all sequences for terminals, and what a progress bar overwrote. Never show it as it "
        "is: it may move a cursor or set a clipboard."
    )
    level: LineLevel | None = strawberry.field(description="How grave it says that it is; null when it does not say.")
    truncated: bool = strawberry.field(description="Whether it was longer than 64 KiB and is cut.")
    bytes: int = strawberry.field(description="How long it was before it was cut, in bytes.")
    lossy: bool = strawberry.field(
        description="Whether bytes that are not UTF-8, or control characters, are replaced by U+FFFD."
    )
    partial: bool = strawberry.field(
        description="Whether it is a piece of a line whose other pieces came apart from it, or never."
    )


@strawberry.type(description="Lines of a source that were left out.")
@source(log_events.Drop)
class LogDrop:
    source: int = strawberry.field(description="The index of the source.")
    count: int = strawberry.field(description="How many lines.")
    bytes: int = strawberry.field(description="How many bytes.")
    from_: str = strawberry.field(name="from", description="The time of the first, as in `ContainerLine.timestamp`.")
    to: str = strawberry.field(description="The time of the last.")
    reason: LogDropReason = strawberry.field(description="Why.")


@strawberry.type(description="Lines of one or more sources, by time; those of one source are always in order.")
@source(log_events.LogBatch)
class LogBatch:
    lines: list[ContainerLine] = strawberry.field(description="The lines.")
    dropped: list[LogDrop] = strawberry.field(description="What was left out beside them: `from` and `to` say where.")
    cursor: str | None = strawberry.field(
        description="What to come back with, as `after`, for all that is behind this; null only before the first line."
    )


@strawberry.type(description="Lines of a source may be missing here.")
@source(log_events.LogGap)
class LogGap:
    source: int | None = strawberry.field(
        description="The index of the source; null when nothing is known of it any more."
    )
    from_: str | None = strawberry.field(name="from", description="The time of the last line before it, if known.")
    to: str | None = strawberry.field(description="The time of the first line after it, if known.")
    reason: str = strawberry.field(
        description="ROTATION: the node began a new file while nobody read. REMOVED: the container is gone with "
        "its log. CLOCK_STEP: the node's clock was set back. More reasons may come."
    )
    count: int | None = strawberry.field(description="How many lines; null where that cannot be known.")


@strawberry.type(description="Something happened to a source, or to the watching of all of them.")
@source(log_events.LogLifecycle)
class LogLifecycle:
    type: LogLifecycleType = strawberry.field(description="What happened.")
    source: int | None = strawberry.field(description="The index of the source; null when it is about all of them.")
    reason: str = strawberry.field(description="Why, in Kubernetes' own word such as OOMKilled; empty without one.")
    message: str = strawberry.field(description="What the cluster says about it; empty when it says nothing.")
    exit_code: int | None = strawberry.field(description="The exit code of the run that ended.")
    restarts: int = strawberry.field(description="How often the container was started again.")
    at: str = strawberry.field(description="When it was seen: nanoseconds since 1970, as text.")


@strawberry.type(description="The stream is well.")
@source(log_events.LogHeartbeat)
class LogHeartbeat:
    upstreams: int = strawberry.field(description="How many containers are being read; 0 while nothing runs.")
    lag_ms: int | None = strawberry.field(
        description="How many milliseconds old the last line was when it was sent; null before the first one."
    )
    cursor: str | None = strawberry.field(
        description="What to come back with, as `after`, for all that is behind this; null only before it begins."
    )


@strawberry.type(description="The last event of a stream.")
@source(log_events.LogEnd)
class LogEnd:
    reason: str = strawberry.field(
        description="ACCESS_LOST: you may no longer see the instance, or your token has ended. INSTANCE_GONE: it is "
        "deleted. INSTANCE_STATE: it is in a state in which its logs cannot be followed. INTERRUPTED: the cluster is "
        "reached in another way now, or not at all. SLOW_CONSUMER: you did not read, or much more slowly than things "
        "happened. SERVER_DRAIN: the server is ending. COMPLETED: all that was asked for was told. More may come."
    )
    retryable: bool = strawberry.field(description="Whether coming back is worth while.")
    message: str = strawberry.field(description="The same in words.")
    cursor: str | None = strawberry.field(
        description="What to come back with, as `after`, for all that is behind this; null only before it began."
    )


@strawberry.type(description="How far back the log of a container goes.")
@source(log_events.LogHorizon)
class LogHorizon:
    source: int = strawberry.field(description="The index of the oldest source that can be had.")
    at: str | None = strawberry.field(description="The time of its first line; null where it has none.")
    reason: str = strawberry.field(
        description="Why not further. START: the container began then. ROTATION: the node keeps the newest file only. "
        "REMOVED: the runs before are gone with their logs. More reasons may come."
    )


@strawberry.type(description="Lines of the past, by time; those of one source are always in order.")
@source(log_events.LogPage)
class LogPage:
    lines: list[ContainerLine] = strawberry.field(description="The lines; the number of each is 0.")
    sources: list[LogSource] = strawberry.field(description="The sources that there are; their indexes are the page's.")
    gaps: list[LogGap] = strawberry.field(description="Where lines may be missing.")
    start_cursor: str = strawberry.field(description="In front of the first line: as `before`, for the page before.")
    end_cursor: str = strawberry.field(
        description="Behind the last line: as `after`, for the page after it, or to go on live with `instanceLogs`."
    )
    has_more: bool = strawberry.field(description="Whether there are more lines that way.")
    horizon: list[LogHorizon] = strawberry.field(
        description="For each container, how far back one can page, and why not further. Asks the node once for each."
    )


LogEvent = Annotated[
    LogSources | LogBatch | LogGap | LogLifecycle | LogHeartbeat | LogEnd,
    strawberry.union("LogEvent", description="What a stream of logs tells."),
]
