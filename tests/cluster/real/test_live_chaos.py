"""Every line once and in order, through cut viewers, a killed kubelet and rotated files; what is lost is marked."""

import asyncio
import os
import uuid

from tests.cluster.real.reader import Reader
from tests.kit.installation import Installation
from tests.kit.stacks import service, stack
from tests.machine.control import ask

PODS, EACH = 5, 20_000
CUTS, KILLS = 200, 10
SEED = int(os.environ.get("BERTH_TEST_SEED", "1"))
_TEXT = "of a text that is as long as the lines of a busy service are, more or less, in the field"
# 25 lines every twentieth of a second, each of some 100 bytes: the node rotates the file at every megabyte.
WRITER = (
    f"sleep 8; i=0; "
    f"while [ $i -lt {EACH} ]; do for _ in $(seq 25); do echo line $i {_TEXT}; i=$((i+1)); done; sleep 0.05; "
    "done; sleep 1000"
)


def test_lines_survive_cut_viewers_a_killed_kubelet_and_rotations(berth: Installation, first: str) -> None:
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

    async def run() -> None:
        reading = asyncio.create_task(reader.read(PODS, EACH - 1, CUTS, 240))
        for _ in range(KILLS):
            await asyncio.wait({reading}, timeout=4)
            await asyncio.to_thread(ask, "restart-kubelet")
        await reading

    asyncio.run(run())
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]}))["state"] == "DONE"
    found = {pod: read.missing(0, EACH - 1) for pod, read in reader.pods.items()}
    print(f"{PODS * EACH} lines, {reader.cuts} connections, {KILLS} kills of the kubelet: "  # noqa: T201 - a figure
          f"{sum(lost for lost, _ in found.values())} lost in marked gaps {reader.reasons}")  # fmt: skip
    assert {pod: read.twice() for pod, read in reader.pods.items() if read.twice()} == {}
    assert {pod: unmarked for pod, (_, unmarked) in found.items() if unmarked} == {}
