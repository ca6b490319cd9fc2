"""The last lines of a source, for those who come later, bounded in number, size and age."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from kube.log_records import Position
from live.log_cursor import Place
from live.log_events import Drop, LogGap
from live.log_lines import LogLine

RING_LINES = 2_000
RING_BYTES = 1024 * 1024
RING_SECONDS = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Hole:
    """Lines that were left out here: what is told of them, and the place of the last one."""

    drop: Drop
    position: Position

    @property
    def order(self) -> int:
        return self.position.high


Item = LogLine | Hole | LogGap


class Ring:
    """from_start: whether the source was read from its first line. whole: whether all that was read is here."""

    def __init__(self, *, from_start: bool) -> None:
        self.from_start = from_start
        self.whole = True
        self._items: deque[tuple[float, Item]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def items(self) -> Iterator[Item]:
        """What it holds, in order."""
        return (item for _, item in self._items)

    @property
    def lines(self) -> list[LogLine]:
        """The lines of it."""
        return [item for _, item in self._items if isinstance(item, LogLine)]

    @property
    def end(self) -> Position | None:
        """The place of the last line that came, whether it is in it or was left out."""
        return next((item.position for _, item in reversed(self._items) if not isinstance(item, LogGap)), None)

    def add(self, item: Item) -> None:
        """Appends a line, or what is told instead of lines; the oldest ones go when there are too many."""
        self._items.append((monotonic(), item))
        if isinstance(item, LogLine):
            self._bytes += item.size
        while len(self._items) > RING_LINES or self._bytes > RING_BYTES:
            self._shift()

    def age(self) -> None:
        """Lets go of what has been here for too long, but for the last of it, which tells where the source stands."""
        oldest = monotonic() - RING_SECONDS
        while len(self._items) > 1 and self._items[0][0] < oldest:
            self._shift()

    def after(self, place: Place) -> list[Item] | None:
        """What comes after a place in this source's run; None when not all of that is here."""
        if place.at is None:
            return list(self.items) if self.whole else None
        found: list[Item] = []
        if place.at.ordinal == 0:  # its line is gone: what is new is what is later
            found = [item for item in self.items if item.order > place.at.high]
            return found if self.whole or len(found) < len(self._items) else None
        for _, item in reversed(self._items):
            if not isinstance(item, LogGap) and item.position == place.at:
                if place.before:
                    found.append(item)
                return found[::-1]
            found.append(item)
        return None

    def _shift(self) -> None:
        _, item = self._items.popleft()
        self.whole = False
        if isinstance(item, LogLine):
            self._bytes -= item.size
