"""One log of the real node read in bulk: processor time for a line, beside what `kubectl logs -f` takes for the same.

`python -m tests.bench.cluster.upstream NAMESPACE LINES` is Berth's reader, set up as the API's process is. It prints
its processor time.
"""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import uvloop

from kube import kubeconfig
from kube.clients import connect
from kube.kubeconfig import Access
from kube.labels import MANAGED
from kube.log_records import Line
from kube.pods import Containers
from kube.resources import POD
from kube.tail import Tail
from live import process
from tests.kit.installation import ROOT
from tests.kit.waiting import until
from tests.kube.plans import IMAGE

LINES, FEW, ROUNDS = 200_000, 1_000, 5
MOST_RATIO = 1.2
POD_NAME = "writer"
SCRIPT = (
    f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); "
    "echo a line of a usual length, as programs write them when they answer a request: number $i; done; sleep 10000"
)
KUBECONFIG = os.environ["BERTH_TEST_KUBECONFIG"]


def run() -> Iterator[str]:
    """One line."""
    name = f"upstream-{uuid.uuid4().hex[:8]}"
    asyncio.run(_write(_access(), name))
    _wait(name)
    rounds = [[work(name, lines) for work in (_berth, _kubectl) for lines in (LINES, FEW)] for _ in range(ROUNDS)]
    all, few, theirs_all, theirs_few = (min(times) for times in zip(*rounds, strict=True))
    ours, theirs = ((most - least) / (LINES - FEW) * 1e6 for most, least in ((all, few), (theirs_all, theirs_few)))
    subprocess.run(_kubectl_program("delete", "namespace", name, "--wait=false"), check=True, capture_output=True)
    yield (
        f"upstream in bulk: {ours:.1f} us of a processor for a line, kubectl logs -f {theirs:.1f} us: "
        f"{ours / theirs:.2f}x (at most {MOST_RATIO}x) {'ok' if ours <= MOST_RATIO * theirs else 'NOT OK'}"
    )


def _access() -> Access:
    path = Path(KUBECONFIG)
    return kubeconfig.read(kubeconfig.embed(path.read_text(), path.parent), allow_private=True)


def _kubectl_program(*rest: str) -> list[str]:
    return ["kubectl", "--kubeconfig", KUBECONFIG, *rest]


async def _write(access: Access, name: str) -> None:
    """Has a pod write all of the lines."""
    labels = dict([MANAGED.split("=")])
    container = {"name": "web", "image": IMAGE, "command": ["sh", "-c", SCRIPT]}
    pod = {"metadata": {"name": POD_NAME, "labels": labels}, "spec": {"containers": [container]}}
    async with connect(access) as cluster:
        await cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})

        async def account() -> bool:
            found = await cluster.request("GET", f"/api/v1/namespaces/{name}/serviceaccounts")
            return bool(found["items"])

        await until(account, True)
        await cluster.request("POST", POD.path(name), body=pod)


def _wait(name: str) -> None:
    """Until all of the lines are there."""
    tail = _kubectl_program("-n", name, "logs", "--tail=1", POD_NAME)
    deadline = time.monotonic() + 300
    while not subprocess.run(tail, capture_output=True, text=True).stdout.strip().endswith(f"number {LINES}"):
        assert time.monotonic() < deadline, "its lines never came"
        time.sleep(1)


def _berth(name: str, lines: int) -> float:
    program = [sys.executable, "-m", "tests.bench.cluster.upstream", name, str(lines)]
    return float(subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def _kubectl(name: str, lines: int) -> float:
    """Its processor time until so many lines are out."""
    program = _kubectl_program("-n", name, "logs", "-f", "--timestamps", POD_NAME)
    reader = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert reader.stdout is not None
    subprocess.run(["head", "-n", str(lines)], stdin=reader.stdout, stdout=subprocess.DEVNULL, check=True)
    reader.stdout.close()
    reader.terminate()
    _, _, used = os.wait4(reader.pid, 0)
    return used.ru_utime + used.ru_stime


async def _read(access: Access, namespace: str, lines: int) -> None:
    process.settle_memory()
    async with connect(access) as cluster:
        containers = Containers(cluster, namespace)
        [joined] = [event for event in await containers.now() if event.type == "JOINED"]
        assert joined.source is not None
        tail = Tail(cluster, joined.source, lambda: "RUNNING")
        left = lines
        async with aclosing(tail.records()) as pieces:
            async for records in pieces:
                left -= sum(isinstance(record, Line) for record in records)
                if left <= 0:
                    return


if __name__ == "__main__":
    uvloop.run(_read(_access(), sys.argv[1], int(sys.argv[2])))
    print(time.process_time())  # noqa: T201
