"""Every line once and in order, whoever is cut, killed, replaced or restarted, and through rotated files.

What is lost is marked.
"""

import asyncio
import os
import uuid
from collections.abc import Iterator

import pytest

from tests.cluster.real.conftest import FIRST
from tests.cluster.real.reader import Read, Reader
from tests.kit.gate import alone
from tests.kit.installation import Installation
from tests.kit.settled import wait_until_settled
from tests.kit.stacks import service, stack
from tests.machine.control import ask

PODS, EACH = 5, 20_000
CUTS, KILLS = 200, 10
REPLACED = {1: "TERM", 6: "KILL"}
"""After which kill of the kubelet the API process is replaced, and how it ends."""

SERVER_AWAY = 4
"""After which the cluster's API server is restarted."""

ROLLOUT = 2
"""After which all pods are replaced."""

CRASH = 8_000
"""The number of the line before which each container crashes, once."""

SEED = int(os.environ.get("BERTH_TEST_SEED", "1"))
_TEXT = "of a text that is as long as the lines of a busy service are, more or less, in the field"
# 25 lines every twentieth of a second, each of some 100 bytes: the node rotates the file at every megabyte.
# Containers of a pod share /dev/shm, so that one that crashed goes on with the next number.
WRITER = (
    'trap "echo written \\$i; exit 0" TERM; i=$(cat /dev/shm/next 2>/dev/null || echo 0); [ $i -gt 0 ] || sleep 8; '
    f"while [ $i -lt {EACH} ]; do for _ in $(seq 25); do echo line $i {_TEXT}; i=$((i+1)); done; "
    f"echo $i > /dev/shm/next; if [ $i -eq {CRASH} -a ! -e /dev/shm/crashed ]; then "
    "touch /dev/shm/crashed; exit 3; fi; sleep 0.05; done; sleep 1000 & wait"
)


@pytest.fixture(autouse=True)
def gate() -> Iterator[None]:
    """Nobody else uses the cluster while its API server is restarted."""
    with alone(exclusive=True):
        yield
        wait_until_settled(FIRST)


async def replace_api(berth: Installation, how: str) -> None:
    """Another API process in the place of the one that ends (TERM) or is killed (KILL).

    It is started by this thread: a child ends with the thread that started it.
    """
    if how == "TERM":
        berth.processes["api"].terminate()
        await asyncio.to_thread(berth.processes["api"].wait)
    berth.kill("api")
    berth.start("api")
    await asyncio.to_thread(berth.until_ready)


def replace_pods(berth: Installation, instance: str) -> str:
    """Has all pods replaced; the deployment's task."""
    [shown] = berth.shown(instance, "services { id }")["services"]
    given = {"id": shown["id"], "variables": [{"name": "ROUND", "value": "2"}]}
    berth.remote.change("setAppServiceVariables", given, "appService { id }")
    return berth.change("deployInstance", {"id": instance})


def test_lines_survive_all_that_can_befall_them(berth: Installation, first: str) -> None:
    container = f"{{name: main, image: registry.local/busybox, args: [sh, -c, '{WRITER}']}}"
    stacks = berth.catalogue(service("talker", container), stack("talker", "talker"))
    wanted = {
        "name": f"i{uuid.uuid4().hex[:6]}",
        "environmentId": berth.environment(),
        "clusterId": first,
        "services": [{"name": "talker", "replicas": PODS}],
    }
    made = berth.app("talker", stacks["talker"], wanted)
    assert berth.ended(made["task"])["state"] == "DONE"
    reader = Reader(berth.remote.url, berth.remote.token, made["instance"], SEED)

    async def run() -> str:
        task = ""
        reading = asyncio.create_task(reader.read(PODS, EACH - 1, CUTS, 240))
        for kill in range(KILLS):
            await asyncio.wait({reading}, timeout=4)
            if reading.done():
                break  # it failed
            await asyncio.to_thread(ask, "restart-kubelet")
            if kill in REPLACED:
                await replace_api(berth, REPLACED[kill])
            if kill == SERVER_AWAY:
                await asyncio.to_thread(ask, "restart-api-server 2")
            if kill == ROLLOUT:
                task = await asyncio.to_thread(replace_pods, berth, made["instance"])
        await reading
        return task

    assert berth.ended(asyncio.run(run()))["state"] == "DONE"
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]}))["state"] == "DONE"
    found = {pod: read.missing(0, _last(read)) for pod, read in reader.pods.items()}
    lost, written = sum(lost for lost, _ in found.values()), sum(_last(read) + 1 for read in reader.pods.values())
    assert len(reader.pods) >= 2 * PODS
    print(  # noqa: T201 - a figure
        f"{written} lines, {reader.cuts} connections, {KILLS} kills of the kubelet, {len(REPLACED)} API processes "
        f"replaced, {len(reader.pods)} pods, each container crashed once, the API server restarted: {lost} lost in "
        f"marked gaps {reader.reasons}"
    )
    assert {pod: read.twice() for pod, read in reader.pods.items() if read.twice()} == {}
    assert {pod: unmarked for pod, (_, unmarked) in found.items() if unmarked} == {}


def _last(read: Read) -> int:
    """The last line that a pod wrote, as far as it is known; what comes behind it must be marked where it is not."""
    if read.written is not None:
        return read.written - 1
    assert read.reached(EACH - 1) or read.marks
    return read.lines[-1][0]
