"""The cluster's API server away for a minute: how soon 50 streams are back, and whether a line is missing or twice."""

import subprocess
import time
from collections.abc import Iterator

from tests.bench.live.place import Place, judged, opened, seen

VIEWERS, RATE, AWAY = 50, 50, 60.0
SOON = 15.0


def run() -> Iterator[str]:
    """One line."""
    with opened(RATE) as place:
        viewers = place.viewers(viewers=VIEWERS, seconds=AWAY + SOON + 15, looks=VIEWERS)
        time.sleep(5)
        back = _away(place, viewers)
        found = seen(viewers)
    again = max(min(at - back for at in each if at > back) if each[-1] > back else 1e9 for each in found["heard"])
    missing, twice = sum(found["missing"]), sum(found["twice"])
    yield judged(
        f"the API server away for {AWAY:.0f} s: {VIEWERS} streams were back {again:.1f} s after it (at most {SOON}), "
        f"{missing} lines missing, {twice} twice",
        again <= SOON and missing == twice == 0,
    )


def _away(place: Place, viewers: "subprocess.Popen[bytes]") -> float:
    """Has it away; when it was back, in the time that viewers know."""
    assert place.site.simulated is not None
    place.site.simulated.kill()
    time.sleep(AWAY)
    place.site.simulated.start()
    assert viewers.poll() is None
    return time.time()
