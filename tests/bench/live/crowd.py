"""1,000 viewers of 1,000 lines a second: whether it holds, and what memory each of them takes."""

import time
from collections.abc import Iterator

from tests.bench.live.place import cpu, judged, opened, seen

VIEWERS, PARTS, RATE, SECONDS = 1_000, 2, 1_000, 20
MOST_EACH = 64 * 1024


def run() -> Iterator[str]:
    """One line."""
    with opened(RATE) as place:
        seen(place.viewers(viewers=1, seconds=2))
        before = place.api.memory_info().rss
        viewers = [place.viewers(viewers=VIEWERS // PARTS, seconds=SECONDS) for _ in range(PARTS)]
        time.sleep(SECONDS - 6)
        began, used = time.monotonic(), cpu(place.api)
        time.sleep(4)
        share = (cpu(place.api) - used) / (time.monotonic() - began)
        each = (place.api.memory_info().rss - before) / VIEWERS
        found = [seen(part) for part in viewers]
    sent = sum(part["bytes"] for part in found) / SECONDS / 1e6
    missing = sum(sum(part["missing"]) + sum(part["dropped"]) for part in found)
    late = max(part["late"][1] for part in found)
    yield judged(
        f"{VIEWERS} viewers x {RATE} lines/s: {100 * share:.0f} % of a processor for {sent:.0f} MB/s, "
        f"p99 {late:.0f} ms, {each / 1024:.0f} KB for each (under {MOST_EACH // 1024}), {missing} lines missing",
        each < MOST_EACH and missing == 0,
    )
