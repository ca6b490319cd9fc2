"""An API with a simulated cluster, and on it an instance whose container writes as fast as it is asked to."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.kit.installation import ROOT
from tests.kit.site import HASTY, Site
from tests.kit.stacks import service, stack

RAISED = {
    "BERTH_LOG_STREAMS_PER_USER": "5000",
    "BERTH_LOG_VIEWERS_PER_INSTANCE": "5000",
    "BERTH_SUBSCRIPTIONS_PER_TOKEN": "5000",
    "BERTH_WEBSOCKETS_PER_TOKEN": "5000",
}
WRITER = "registry.local/writer"
TEXT = "a line of a usual length, as programs write them when they answer a request: number {n}"


@dataclass(frozen=True, slots=True)
class Place:
    """site: the installation. instance: the id of one that has a single container."""

    site: Site
    instance: str

    @property
    def api(self) -> psutil.Process:
        """The API's process."""
        return psutil.Process(self.site.berth.processes["api"].pid)

    @property
    def socket_url(self) -> str:
        return self.site.berth.remote.url.replace("http", "ws", 1)

    def viewers(self, **options: Any) -> "subprocess.Popen[bytes]":
        """Viewers in a process of their own, which prints what they saw as JSON when it ends."""
        given = {"url": self.socket_url, "token": self.site.berth.remote.token, "instance": self.instance, **options}
        return start_viewers(given)


def start_viewers(given: dict[str, Any]) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-m", "tests.bench.live.viewers", json.dumps(given)]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE)


def seen(viewers: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """What they printed. Fails when they failed."""
    said, _ = viewers.communicate()
    assert viewers.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


@contextmanager
def opened(rate: float) -> Iterator[Place]:
    """A place whose container writes so many lines a second."""
    with (
        tempfile.TemporaryDirectory(prefix="berth-bench-") as folder,
        Site(Path(folder), settings=HASTY | RAISED) as site,
    ):
        writer = service("writer", f"{{name: main, image: {WRITER}}}", rate=rate, line=TEXT)
        made = site.berth.app(
            "bench", site.berth.catalogue(writer, stack("bench", "writer"))["bench"], site.instance("one")
        )
        assert site.berth.ended(made["task"])["state"] == "DONE"
        time.sleep(1.0)
        yield Place(site, made["instance"])


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time so far."""
    times = process.cpu_times()
    return times.user + times.system


def judged(text: str, ok: bool) -> str:
    return f"{text} {'ok' if ok else 'NOT OK'}"
