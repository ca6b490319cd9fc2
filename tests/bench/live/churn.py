"""1,000 subscriptions opened and ended: descriptors and memory before and after."""

import time
from collections.abc import Iterator

from tests.bench.live.place import judged, opened, seen

ROUNDS, EACH = 10, 100


def run() -> Iterator[str]:
    """One line."""
    with opened(100) as place:
        seen(place.viewers(viewers=EACH, seconds=1))
        time.sleep(2)
        descriptors, memory = place.api.num_fds(), place.api.memory_info().rss
        for _ in range(ROUNDS):
            seen(place.viewers(viewers=EACH, seconds=0.5))
        time.sleep(2)
        more, grown = place.api.num_fds() - descriptors, (place.api.memory_info().rss - memory) / 1e6
    yield judged(
        f"{ROUNDS * EACH} subscriptions opened and ended: {more:+d} descriptors, {grown:+.1f} MB",
        more <= 2 and grown < 20,
    )
