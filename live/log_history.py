"""What a stream begins with: the last lines of several sources, put in order of time."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from kube.errors import KubeError
from kube.tail import Line
from live.log_events import Drop, LogBatch, LogSource
from live.log_feed import Feed, Upstream, made_line
from live.log_filter import Filter
from live.log_lines import LogLine

_BATCH = 500


async def older(feed: Feed, upstream: Upstream, count: int) -> list[LogLine]:
    """The last `count` lines of a source as the cluster has them now, when its ring holds fewer and is not whole.

    Empty when the ring is all there is to have. They are numbered when they are joined to the ring.
    """
    if feed.ring.whole or count <= len(feed.ring.lines):
        return []
    try:
        records = await upstream.history(count)
    except KubeError:
        return []
    return [made_line(record, feed.source.index, 0, 0) for record in records if isinstance(record, Line)]


async def run_before(shown: LogSource, upstream: Upstream, count: int) -> list[LogLine]:
    """The last lines of a container's run before the present one; empty when there was none. Raises: KubeError."""
    records = await upstream.history(count)
    lines = [record for record in records if isinstance(record, Line)]
    return [made_line(line, shown.index, seq, line.ns) for seq, line in enumerate(lines, start=1)]


def joined(read: list[LogLine], ring: Sequence[LogLine]) -> list[LogLine]:
    """The lines that were read and are older than the ring, numbered to end before it, and the ring's.

    Where the two do not overlap, lines between them are missing, and the ring stands alone.
    """
    if not read or not ring:
        return list(ring)
    keys, held = [(line.ns, line.message) for line in read], [(line.ns, line.message) for line in ring]
    for at, key in enumerate(keys):
        if key == held[0] and keys[at:] == held[: len(keys) - at]:
            for back, line in enumerate(reversed(read[:at]), start=1):
                line.seq, line.order = ring[0].seq - back, min(line.ns, ring[0].order)
            return [*read[:at], *ring]
    return list(ring)


def past(sources: Iterable[Sequence[LogLine]], filter: Filter, tail: int) -> list[LogBatch]:
    """The last `tail` lines of all sources together that pass the filter, in batches, with what had been dropped."""
    lines: list[LogLine] = []
    drops: list[Drop] = []
    for each in sources:
        lines += filter.matching(each)
        drops += _holes(each)
    lines.sort(key=lambda line: line.order)
    lines = lines[max(0, len(lines) - tail) :]
    since = lines[0].order if lines else 0
    dropped = tuple(drop for drop in drops if lines and drop.first_ns >= since)
    batches = [_batch(lines[at : at + _BATCH]) for at in range(0, len(lines), _BATCH)]
    if dropped:
        batches[0] = LogBatch(batches[0].lines, batches[0].size, dropped)
    return batches


def _holes(lines: Sequence[LogLine]) -> list[Drop]:
    """Numbers that are missing in a ring: only lines beyond the source's rate are left out of it."""
    return [
        Drop(line.source, after.seq - line.seq - 1, line.ns, after.ns, "RATE_LIMIT")
        for line, after in pairwise(lines)
        if after.seq > line.seq + 1
    ]


def _batch(lines: list[LogLine]) -> LogBatch:
    return LogBatch(tuple(lines), sum(line.size for line in lines))
