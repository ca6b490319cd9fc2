"""100 viewers of 1,000 lines a second: processor time beside a plain websocket of the same bytes, and lateness."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from command.ports import free
from tests.bench.live.place import cpu, judged, opened, seen, start_viewers
from tests.kit.installation import ROOT

VIEWERS, RATE, SECONDS = 100, 1_000, 15
MOST_RATIO, LATEST = 3.0, 250.0


def run() -> Iterator[str]:
    """Two lines: processor time per byte as a ratio, and lateness."""
    with opened(RATE) as place:
        viewers = place.viewers(viewers=VIEWERS, seconds=SECONDS)
        time.sleep(4)
        before, began = cpu(place.api), time.monotonic()
        time.sleep(SECONDS - 5)
        share = (cpu(place.api) - before) / (time.monotonic() - began)
        found = seen(viewers)
    each = found["bytes"] / found["frames"]
    sent = found["bytes"] / SECONDS
    floor_share, floor_sent = _floor(found["sample"][: round(each)])
    ratio = (share / sent) / (floor_share / floor_sent)
    yield judged(
        f"fan-out, {VIEWERS} viewers x {RATE} lines/s: {100 * share:.0f} % of a processor for {sent / 1e6:.1f} MB/s, "
        f"a plain websocket {100 * floor_share:.0f} % for {floor_sent / 1e6:.1f} MB/s: {ratio:.2f}x per byte "
        f"(at most {MOST_RATIO}x)",
        ratio <= MOST_RATIO,
    )
    median, late = found["late"]
    missing = sum(found["missing"])
    yield judged(
        f"from written to received: {median:.0f} ms in the middle, p99 {late:.0f} ms (under {LATEST:.0f} ms), "
        f"{missing} lines missing",
        late < LATEST and missing == 0,
    )


def _floor(frame: str) -> tuple[float, float]:
    """A plain server's share of a processor, and its bytes a second."""
    port = free("127.0.0.1")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(frame)
        file.flush()
        program = [sys.executable, "-m", "tests.bench.live.floor", str(port), str(Path(file.name))]
        server = subprocess.Popen(program, cwd=ROOT)
        try:
            time.sleep(1.5)
            viewers = start_viewers(
                {"url": f"ws://127.0.0.1:{port}/", "viewers": VIEWERS, "seconds": SECONDS, "raw": True}
            )
            time.sleep(4)
            process = psutil.Process(server.pid)
            before, began = cpu(process), time.monotonic()
            time.sleep(SECONDS - 5)
            share = (cpu(process) - before) / (time.monotonic() - began)
            return share, seen(viewers)["bytes"] / SECONDS
        finally:
            server.kill()
            server.wait()
