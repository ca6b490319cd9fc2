"""20 viewers that never read beside 50 that do: memory, and whether the 50 notice."""

import time
from collections.abc import Iterator

from tests.bench.live.place import judged, opened, seen

READING, DEAF, RATE, SECONDS = 50, 20, 500, 20
MOST_MORE = 30.0


def run() -> Iterator[str]:
    """One line."""
    with opened(RATE) as place:
        viewers = place.viewers(viewers=READING, deaf=DEAF, seconds=SECONDS)
        time.sleep(6)
        before = place.api.memory_info().rss
        time.sleep(SECONDS - 7)
        more = (place.api.memory_info().rss - before) / 1e6
        found = seen(viewers)
    missing, dropped = sum(found["missing"]), sum(found["dropped"])
    yield judged(
        f"{DEAF} that never read beside {READING}: {more:+.1f} MB in {SECONDS - 7} s (at most {MOST_MORE}), the others "
        f"miss {missing} lines and were dropped {dropped}",
        more <= MOST_MORE and missing == dropped == 0,
    )
