"""What containers say. A line is a function of the container's start, its behaviour and its number: nothing is kept,
nobody pays for a log that nobody reads, and the lines are the same after a restart of this process.

The start is told by the container's id. Lines are kept as container runtimes keep them: in entries of at most 16 KiB.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from simulator.behaviour import START_LINES, Behaviour
from simulator.clock import SECOND, nano

KEPT = 100_000
"""Entries that a read reaches back, as the kubelet serves only the newest log file."""
LONGEST = 16 * 1024
"""Bytes of one entry; a longer line is several of them."""

_GAP = SECOND // 1000
_ESCAPE = re.compile(rb"\\(?:([\\nrt])|0([0-7]{0,3}))")
_NAMED = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Entry(NamedTuple):
    """A line or a part of one; `partial` says that the next entry goes on with the same line."""

    at: int
    data: bytes
    partial: bool = False


def new_id(start: int) -> str:
    """A container id that holds its start in nanoseconds."""
    return f"containerd://{start:016x}{secrets.token_hex(24)}"


def start_of(container_id: str) -> int:
    """The start that an id holds."""
    return int(container_id.removeprefix("containerd://")[:16], 16)


@lru_cache(maxsize=256)
def parts(text: str) -> tuple[tuple[bytes, bool], ...]:
    """The entries of a text that is written at once, its escapes read as `printf %b` reads them.

    As containerd makes them: a CR before the newline is dropped, and an end without a newline is a part of a line.
    """
    data = _ESCAPE.sub(lambda found: _NAMED[found[1]] if found[1] else bytes([int(found[2] or b"0", 8) & 255]),
                       text.encode())  # fmt: skip
    rows: list[tuple[bytes, bool]] = []
    *lines, rest = data.split(b"\n")
    for line in lines:
        pieces = _pieces(line.removesuffix(b"\r")) or [b""]
        rows += [(piece, number < len(pieces) - 1) for number, piece in enumerate(pieces)]
    return (*rows, *((piece, True) for piece in _pieces(rest)))


def _pieces(line: bytes) -> list[bytes]:
    return [line[at : at + LONGEST] for at in range(0, len(line), LONGEST)]


@dataclass(frozen=True, slots=True)
class Log:
    """The entries of one run of a container: some at its start, then steadily, and its last words at its end."""

    name: str
    start: int
    end: int | None
    behaviour: Behaviour

    def _steady(self, until: int) -> int:
        """How many of the steady lines have been said at a time."""
        past = until - self._steady_from()
        return past // self._step() + 1 if past >= 0 and self.behaviour.rate > 0 else 0

    def _steady_from(self) -> int:
        return self.start + len(START_LINES) * _GAP + self._step()

    def _step(self) -> int:
        return round(SECOND / self.behaviour.rate) if self.behaviour.rate > 0 else SECOND

    def count(self, now: int) -> int:
        """The number of entries made up to a time."""
        until = now if self.end is None else min(now, self.end)
        last = len(self._last()) if self.end is not None and now >= self.end else 0
        return self._started(until) + self._steady(until) + last

    def _started(self, until: int) -> int:
        if self.behaviour.first is not None:
            return len(parts(self.behaviour.first)) if until >= self.start else 0
        return max(0, min(len(START_LINES), (until - self.start) // _GAP))

    def _last(self) -> tuple[tuple[bytes, bool], ...]:
        return parts(f"{self.behaviour.last}\n") if self.behaviour.last else ()

    def entry(self, number: int) -> Entry:
        """An entry by its number from zero."""
        first = self.behaviour.first
        started = self._started(self._steady_from() if self.end is None else self.end)
        if number < started:
            if first is not None:
                return Entry(self.start, *parts(first)[number])
            return Entry(self.start + (number + 1) * _GAP, f"{self.name}: {START_LINES[number]}".encode())
        place = number - started
        if self.end is not None and place >= (steady := self._steady(self.end)):
            return Entry(self.end, *self._last()[place - steady])
        at = self._steady_from() + place * self._step()
        return Entry(at, self.behaviour.line.replace("{n}", str(place + 1)).replace("{name}", self.name).encode())

    def first_since(self, since: int, count: int) -> int:
        """The number of the first entry that is not older than a time."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if self.entry(middle).at < since:
                low = middle + 1
            else:
                high = middle
        return low

    def due(self, number: int) -> int | None:
        """When an entry that has not been made will be; None when there is none to come."""
        if self.behaviour.rate <= 0 or self.end is not None:
            return None
        return self.entry(number).at

    def written(self, first: int, end: int, *, stamped: bool) -> Iterator[bytes]:
        """A range of entries as a kubelet writes them, some at a time: parts of a line as one line with one time."""
        going_on = False
        for start in range(first, end, 500):
            text = bytearray()
            for number in range(start, min(end, start + 500)):
                entry = self.entry(number)
                if stamped and not going_on:
                    text += nano(entry.at).encode() + b" "
                text += entry.data if entry.partial else entry.data + b"\n"
                going_on = entry.partial
            yield bytes(text)
