"""50 viewers opened at once on a busy container: when each has its first line, and what is lost before live."""

from collections.abc import Iterator

from tests.bench.live.place import judged, opened, seen

VIEWERS, RATE = 50, 500
WITHIN = 1.0


def run() -> Iterator[str]:
    """One line."""
    with opened(RATE) as place:
        found = seen(place.viewers(viewers=VIEWERS, seconds=8, tail=500))
    missing = sum(found["missing"])
    yield judged(
        f"{VIEWERS} viewers opened at once: first line after {found['first'][0]:.2f} to {found['first'][-1]:.2f} s "
        f"(within {WITHIN} s), {missing} lines lost between past and live",
        found["first"][-1] <= WITHIN and missing == 0,
    )
