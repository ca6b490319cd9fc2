"""Three APIs that share what they read, and whatever befalls them: their viewers have every line once, and in order."""

import asyncio
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.real.reader import Reader
from tests.crashes.conftest import REAL, ended_well
from tests.kit.gate import alone
from tests.kit.site import HASTY, Site
from tests.kit.stacks import service, stack

APIS = ("api", "api-2", "api-3")
LEASE = 1.0
RATE = 200
IMAGE = "registry.local/busybox"
SCRIPT = f"i=0; while true; do for _ in $(seq {RATE // 20}); do echo line $i; i=$((i+1)); done; sleep 0.05; done"
"""What a real container does; a simulated one does what its pod's annotations say."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    sharing = {"BERTH_LOG_SHARING": "valkey", "BERTH_LOG_LEASE": str(LEASE), "BERTH_DRAIN_SPREAD": "1"}
    folder, cluster = tmp_path_factory.mktemp("sharing"), Path(REAL) if REAL else None
    with alone(exclusive=False), Site(folder, cluster, HASTY | sharing) as running, ExitStack() as ending:
        for name in APIS[1:]:
            start(running, name)
            ending.callback(running.berth.kill, name)
        yield running


@pytest.fixture(scope="module")
def instance(site: Site) -> Iterator[str]:
    container = f"{{name: main, image: {IMAGE}, args: [sh, -c, '{SCRIPT}']}}"
    writer = service("writer", container, rate=RATE, line="line {n}")
    stacks = site.berth.catalogue(writer, stack("writing", "writer"))
    made = site.berth.app("writing", stacks["writing"], site.instance(f"i{uuid.uuid4().hex[:6]}"))
    ended_well(site, made["task"])
    yield str(made["instance"])
    ended_well(site, site.berth.change("deleteInstance", {"id": made["instance"]}))


def start(site: Site, name: str) -> None:
    """Starts an API and waits until it answers."""
    site.berth.start(name)
    site.berth.until_ready(name)


def killed(site: Site, name: str) -> None:
    site.berth.kill(name)
    time.sleep(3 * LEASE)
    start(site, name)


def ended(site: Site, name: str) -> None:
    process = site.berth.processes[name]
    process.terminate()
    process.wait(30)
    start(site, name)


def paused(site: Site, name: str) -> None:
    process = site.berth.processes[name]
    process.send_signal(signal.SIGSTOP)
    time.sleep(3 * LEASE)
    process.send_signal(signal.SIGCONT)


def valkey_emptied(site: Site, _name: str) -> None:
    site.empty_valkey()


def valkey_restarted(site: Site, _name: str) -> None:
    site.valkey.stop()
    time.sleep(2 * LEASE)
    site.valkey.start()


@pytest.mark.parametrize("befall", [killed, ended, paused, valkey_emptied, valkey_restarted])
def test_every_viewer_has_every_line_once(site: Site, instance: str, befall: Callable[[Site, str], None]) -> None:
    readers = {
        name: Reader(f"{site.berth.url_of(name)}/graphql", site.berth.remote.token, instance, seed=1) for name in APIS
    }

    ending = threading.Event()

    async def run() -> None:
        reading = [asyncio.create_task(one.read(1, 10**9, 0, 240)) for one in readers.values()]
        while not ending.is_set():
            await asyncio.wait(reading, timeout=0.05, return_when=asyncio.FIRST_EXCEPTION)
            assert not any(task.done() for task in reading)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def until(number: int) -> None:
        """Waits until all of them have the lines up to one."""
        deadline = time.monotonic() + 30
        while (there := {name: _last(one) for name, one in readers.items()}) and min(there.values()) < number:
            assert time.monotonic() < deadline, f"{number} of {there}"
            time.sleep(0.05)

    # What is started ends with its thread, so that it is this one which starts it, and another one which reads.
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(asyncio.run, run())
        try:
            until(1)
            for name in APIS:  # one of them reads for all
                befall(site, name)
                until(max(_last(one) for one in readers.values()) + RATE // 4)
                if befall in (valkey_emptied, valkey_restarted):
                    break
        finally:
            ending.set()
    following.result()
    for name, one in readers.items():
        [read] = one.pods.values()
        assert read.twice() == [], name
        assert read.missing(read.lines[0][0], read.lines[-1][0]) == (0, []), name
        assert one.reasons == [], name


def _last(reader: Reader) -> int:
    """The last line that came; 0 before the first."""
    return max((read.lines[-1][0] for read in reader.pods.values() if read.lines), default=0)
