"""What reading a container's log yields, and where in it a reader stands."""

import time
from dataclasses import dataclass, field
from typing import Literal

from kube.lines import text, whole_size

SECOND = 10**9
_PIECE = 15_000  # runtimes write at most 16 KiB, the time included, in one

Standing = Literal["RUNNING", "ENDED", "REPLACED", "GONE"]
"""How a run of a container is: it may write on, it has ended, another run has taken its place, its pod is gone."""


@dataclass(frozen=True, slots=True)
class Source:
    """One run of one container. A pod's name alone is never a key: stateful sets use it again."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    container_id: str


@dataclass(
    slots=True, unsafe_hash=True
)  # not frozen: one is made for every line, and that would take three times as long
class Position:
    """A line's place in the log of one run, by which it is found again in a later reading. It never changes.

    ns: its time. ordinal: which of the lines of that time it is, from 1, for many may share one. crc: of the line as it
    came. high: the latest time among it and the lines before it, for the two outputs of a container may be a little
    out of order: no line before it is later than that.
    """

    ns: int
    ordinal: int
    crc: int
    high: int = field(compare=False)


@dataclass(slots=True)
class Line:
    """A line of the container.

    message: safe text. raw: the same with what a progress bar overwrote; None where that is nothing. size: in bytes, of
    the whole line before it was cut. lossy: whether bytes that are not UTF-8 or control characters were replaced.
    partial: whether it is a piece of a line, whose other pieces came apart from it.
    """

    ns: int
    message: str
    size: int
    position: Position = field(compare=False)
    raw: str | None = None
    truncated: bool = False
    lossy: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines may be missing between these times; 0 where the time is not known.

    ROTATION: the node began a new file meanwhile. REMOVED: the container is gone with its log. CLOCK_STEP: the node's
    clock was set back, and old and new lines cannot be told apart.
    """

    after: int
    until: int
    reason: Literal["ROTATION", "REMOVED", "CLOCK_STEP"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What the node said instead of a line, for instance that it has too many open files."""

    message: str


Record = Line | Gap | Fault


def made(position: Position, line: bytes, message: bytes, partial: bool) -> Line:
    """The line of these bytes. message: what of them comes after the time."""
    shown, raw, lossy = text(message)
    whole = whole_size(line)
    size = whole - (len(line) - len(message))
    return Line(position.ns, shown, size, position, raw, whole > len(line), lossy, partial)


def pieces(line: Line) -> int:
    """In how many pieces a runtime may have written a line, of which a node counts each when it gives the last ones."""
    return 1 + line.size // _PIECE


def since(ns: int) -> str:
    """The time from which lines are asked for: whole seconds, for the API server drops the rest."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // SECOND))


class Ordinals:
    """Counts the lines of each time, of the latest times only."""

    _KEPT = 1024

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def next(self, ns: int) -> int:
        """Which line of its time this one is."""
        counts = self._counts
        ordinal = counts.get(ns, 0) + 1
        counts[ns] = ordinal
        if len(counts) > 2 * self._KEPT:
            self._trim()
        return ordinal

    def first(self, times: list[int]) -> None:
        """Counts one line of each of these times, which are later than all before."""
        self._counts.update(dict.fromkeys(times, 1))
        self._trim()

    def _trim(self) -> None:
        for old in list(self._counts)[: -self._KEPT]:
            del self._counts[old]

    def last(self, ns: int) -> int:
        """How many lines of this time there were."""
        return self._counts.get(ns, 0)

    def undo(self, ns: int) -> None:
        """Takes the last line of this time back."""
        self._counts[ns] -= 1
