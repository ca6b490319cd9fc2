"""Many instances of three services on one cluster, on kwok's fake nodes: what grows, and how.

At each size: an instance made, deployed again and deleted beside the others, the list of all, memory and processor
time of API and worker, and what the API server was asked meanwhile.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.bench.cluster.installed import installed
from tests.kit.installation import Installation
from tests.kit.processes import family
from tests.kit.stacks import service, stack

SIZES = (50, 100, 200, 350, 500)
KUBECONFIG = os.environ["BERTH_TEST_SECOND_KUBECONFIG"]
WATCHED = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_CONTAINER = "{name: main, image: registry.local/busybox, args: [sleep, '1000000']}"
_LIST = "{ instances(first: 80) { totalCount nodes { name state services { name runtime { ready desired } } } } }"
_COUNTS = """{ ok: instances(filter: {states: [OK]}) { totalCount }
  stuck: instances(filter: {states: [AWAITING, ERRORED]}) {
    nodes { name tasks(first: 1) { nodes { failure { summary rootCause } } } }
  } }"""


@dataclass(frozen=True, slots=True)
class Used:
    """Of one process: resident bytes, and seconds of processor time so far."""

    memory: int
    seconds: float


def run() -> Iterator[str]:
    """A table with a row for each size."""
    files = [*(service(name, _CONTAINER) for name in ("one", "two", "three")), stack("scale", "one", "two", "three")]
    with installed() as berth:
        stacks = berth.catalogue(*files)
        place = {"environmentId": berth.environment(), "clusterId": berth.cluster("fake", Path(KUBECONFIG))}
        first = berth.app("scale", stacks["scale"], {**place, "name": "i0"})
        assert berth.ended(first["task"])["state"] == "DONE"
        yield (
            "| instances | s to get there | create | deploy | delete | list of 80 | API MB | API CPU idle "
            "| worker MB | worker CPU idle | watches | requests/s idle |"
        )
        yield "|" + " --- |" * 12
        there = 1
        for size in SIZES:
            began = monotonic()
            _grow(berth, first["app"], place, range(there, size))
            took, there = monotonic() - began, size
            yield _row(berth, first["app"], place, size, took)


def _grow(berth: Installation, app: str, place: dict[str, Any], numbers: range) -> None:
    """Asks for all of them at once, and waits until they are OK."""
    with ThreadPoolExecutor(8) as pool:
        given = [{"appId": app, "instance": {**place, "name": f"i{number}"}} for number in numbers]
        list(pool.map(lambda one: berth.remote.change("createInstance", one, "task { id }"), given))
    while (counts := berth.remote.ask(_COUNTS))["ok"]["totalCount"] < numbers.stop:
        assert counts["stuck"]["nodes"] == [], counts["stuck"]["nodes"][:2]
        sleep(0.2)


def _row(berth: Installation, app: str, place: dict[str, Any], size: int, took: float) -> str:
    began = monotonic()
    given = {"appId": app, "instance": {**place, "name": f"beside{size}"}}
    made = berth.remote.change("createInstance", given, "instance { id } task { id }")
    created = _ended(berth, made["task"]["id"], began)
    began = monotonic()
    deployed = _ended(berth, berth.change("deployInstance", {"id": made["instance"]["id"]}), began)
    began = monotonic()
    deleted = _ended(berth, berth.change("deleteInstance", {"id": made["instance"]["id"]}), began)
    began = monotonic()
    assert berth.remote.ask(_LIST)["instances"]["totalCount"] == size
    listed = monotonic() - began
    before, asked, since = _used(berth), _requests(), monotonic()
    sleep(WATCHED)
    after, seconds = _used(berth), monotonic() - since
    rate = (_requests() - asked) / seconds
    api, worker = ((after[name].seconds - before[name].seconds) / seconds for name in ("api", "worker"))
    return (
        f"| {size} | {took:.0f} | {created:.2f} s | {deployed:.2f} s | {deleted:.2f} s | {listed * 1000:.0f} ms "
        f"| {after['api'].memory / 1e6:.0f} | {api:.1%} | {after['worker'].memory / 1e6:.0f} | {worker:.1%} "
        f"| {_watches()} | {rate:.1f} |"
    )


def _ended(berth: Installation, task: str, began: float) -> float:
    assert berth.ended(task)["state"] == "DONE"
    return monotonic() - began


def _used(berth: Installation) -> dict[str, Used]:
    return {name: _of(family(process.pid)) for name, process in berth.processes.items()}


def _of(pids: list[int]) -> Used:
    memory, ticks = 0, 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        memory += int(fields[21]) * PAGE
    return Used(memory, ticks / TICKS)


def _requests() -> float:
    """What Berth has asked the API server in all: its client is known by name in no metric, so all but the system's."""
    return sum(float(value) for value in re.findall(r"^apiserver_request_total\{.*\} (\S+)$", _metrics(), re.MULTILINE))


def _watches() -> int:
    found = re.findall(r'^apiserver_longrunning_requests\{.*verb="WATCH".*\} (\S+)$', _metrics(), re.MULTILINE)
    return round(sum(float(value) for value in found))


def _metrics() -> str:
    command = ["kubectl", f"--kubeconfig={KUBECONFIG}", "get", "--raw=/metrics"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
