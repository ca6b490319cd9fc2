"""20 viewers that do not read beside 50 that do: memory, what the 20 lose and are told of, what the 50 notice."""

import time
from collections.abc import Iterator

from tests.bench.live.place import judged, opened, seen

READING, DEAF, RATE, SECONDS, WAKES = 50, 20, 1_500, 32, 22
MOST_MORE = 30.0
FULL = 9
"""After so many seconds the buffers of those that do not read are full: those of the kernel, and 5,000 lines each."""


def run() -> Iterator[str]:
    """One line."""
    with opened(RATE) as place:
        viewers = place.viewers(viewers=READING, deaf=DEAF, wakes=WAKES, seconds=SECONDS)
        time.sleep(FULL)
        before = place.api.memory_info().rss
        time.sleep(WAKES - FULL)
        more = (place.api.memory_info().rss - before) / 1e6
        found = seen(viewers)
    missing, dropped = sum(found["missing"]), sum(found["dropped"])
    lost = [lost for lost, _ in found["woken"]]
    exact = all(lost == told for lost, told in found["woken"])
    yield judged(
        f"{DEAF} that do not read beside {READING}: {more:+.1f} MB in {WAKES - FULL} s (at most {MOST_MORE}); they "
        f"lost {min(lost)} to {max(lost)} lines, {'exactly' if exact else 'NOT'} as many as they were told; the others "
        f"miss {missing} lines and were dropped {dropped}",
        more <= MOST_MORE and missing == dropped == 0 and exact and min(lost) > 0,
    )
