"""Which lines came in the last two seconds, by which they are known again when a log is resumed."""

from bisect import bisect_left
from collections import Counter
from itertools import islice

from kube.log_records import SECOND

_MOST = 64 * 1024

Key = tuple[int, int]
"""A time, and a checksum of the whole line."""


class Recent:
    """Counts lines of the latest second and of the one before it; of each at most 64 k different ones.

    second: the latest one, in seconds since the epoch; 0 before the first line.
    """

    def __init__(self) -> None:
        self.second = 0
        self._latest: Counter[Key] = Counter()
        self._before: Counter[Key] = Counter()

    def add(self, key: Key) -> None:
        """Counts a line, which may be of a second that begins with it."""
        kept = self._of(key[0] // SECOND)
        if len(kept) < _MOST:
            kept[key] = kept.get(key, 0) + 1

    def add_all(self, times: list[int], crcs: list[int]) -> None:
        """Counts lines whose times never fall."""
        at = 0
        while at < len(times):
            second = times[at] // SECOND
            end = bisect_left(times, (second + 1) * SECOND, at)
            kept = self._of(second)
            kept.update(islice(zip(times[at:end], crcs[at:end], strict=True), max(0, _MOST - len(kept))))
            at = end

    def has(self, key: Key) -> bool:
        """Whether a line of the latest two seconds is counted."""
        return key in (self._latest if key[0] // SECOND == self.second else self._before)

    @property
    def begin(self) -> int:
        """The first second of which lines are known."""
        return self.second - 1 if self._before else self.second

    def counted(self) -> Counter[Key]:
        """How often each line came."""
        return self._before + self._latest

    def _of(self, second: int) -> Counter[Key]:
        if second > self.second:
            self._before = self._latest if second == self.second + 1 else Counter()
            self._latest, self.second = Counter(), second
        return self._latest if second == self.second else self._before
