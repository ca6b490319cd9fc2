"""What a stream begins with: the last lines of several sources, put in order of time."""

from collections.abc import Iterable, Sequence

from kube.errors import KubeError
from kube.log_records import Line
from live.log_events import LogSource
from live.log_feed import Feed, Upstream
from live.log_filter import Filter
from live.log_lines import LogLine, made_line
from live.log_ring import Item


async def older(feed: Feed, upstream: Upstream, count: int) -> list[LogLine]:
    """The last `count` lines of a source as the cluster has them now, when its ring holds fewer and is not whole.

    Empty when the ring is all there is to have. They are numbered when they are joined to the ring.
    """
    if feed.ring.whole or count <= len(feed.ring):
        return []
    try:
        past = await upstream.history(count)
    except KubeError:
        return []
    return [made_line(record, feed.source.index, 0) for record in past.records if isinstance(record, Line)]


async def run_before(shown: LogSource, upstream: Upstream, count: int) -> list[LogLine]:
    """The last lines of a container's run before the present one; empty when it is gone. Raises: KubeError."""
    past = await upstream.history(count)
    lines = [record for record in past.records if isinstance(record, Line)]
    return [made_line(line, shown.index, seq) for seq, line in enumerate(lines, start=1)]


def joined(read: Sequence[LogLine], ring: Iterable[Item]) -> list[Item]:
    """The lines that were read and are older than the ring, numbered to end before it, and what the ring has.

    Where the two do not overlap, lines between them are missing, and the ring stands alone.
    """
    held = list(ring)
    first = next((item for item in held if isinstance(item, LogLine)), None)
    at = next((at for at, line in enumerate(read) if first is not None and line.position == first.position), None)
    if at is None or first is None:
        return held
    for back, line in enumerate(reversed(read[:at]), start=1):
        line.seq = first.seq - back
    return [*read[:at], *held]


def last(items: Iterable[Item], filter: Filter, tail: int) -> list[Item]:
    """The last `tail` lines that pass the filter, in order of time, and what is told of lines since the first of them.

    items: in order of time.
    """
    kept: list[Item] = []
    for item in reversed(list(items)):
        if not isinstance(item, LogLine):
            kept.append(item)
        elif filter.passes(item):
            if tail <= 0:
                break
            tail -= 1
            kept.append(item)
    while kept and not isinstance(kept[-1], LogLine):
        kept.pop()
    return kept[::-1]
