"""Which lines a viewer wants; equal filters are equal values, so that those who ask the same are served as one."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from live.log_events import LogBatch, LogSource
from live.log_lines import LEVELS, LogLine

_UNNAMED = LEVELS.index("INFO")
"""A line that does not say how grave it is counts as information."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty sets take all. contains: upper and lower case are alike; colours are not looked at."""

    services: frozenset[str] = frozenset()
    containers: frozenset[str] = frozenset()
    pods: frozenset[str] = frozenset()
    contains: str = ""
    min_level: str | None = None
    previous: bool = False
    """Of each container the run before the present one."""

    @property
    def digest(self) -> bytes:
        """The same for equal filters, here and in every other process."""
        sets = [sorted(names) for names in (self.services, self.containers, self.pods)]
        return sha256(repr((sets, self.contains, self.min_level, self.previous)).encode()).digest()[:8]

    def wants(self, source: LogSource) -> bool:
        """Whether lines of this source may pass."""
        return (
            (not self.services or source.service in self.services)
            and (not self.containers or source.container in self.containers)
            and (not self.pods or source.pod in self.pods)
        )

    def matching(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Those of the lines of wanted sources that pass."""
        picked = list(lines)
        if self.contains:
            wanted = self.contains.casefold()
            picked = [line for line in picked if wanted in line.plain.casefold()]
        if self.min_level is not None:
            least = LEVELS.index(self.min_level)
            picked = [line for line in picked if _rank(line) >= least]
        return picked

    @property
    def takes_all(self) -> bool:
        """Whether every line of a wanted source passes."""
        return not self.contains and self.min_level is None

    def passes(self, line: LogLine) -> bool:
        """Whether a line of a wanted source passes."""
        return bool(self.matching((line,)))

    def part(self, batch: LogBatch, sources: set[int]) -> LogBatch | None:
        """The part of the batch that passes: the batch itself when all of it does, None when nothing does.

        sources: the indexes of all that are wanted.
        """
        lines = tuple(self.matching(line for line in batch.lines if line.source in sources))
        dropped = tuple(drop for drop in batch.dropped if drop.source in sources)
        if len(lines) == len(batch.lines) and len(dropped) == len(batch.dropped):
            return batch
        return LogBatch(lines, sum(line.size for line in lines), dropped) if lines or dropped else None


def _rank(line: LogLine) -> int:
    level = line.level
    return _UNNAMED if level is None else LEVELS.index(level)
