"""5,000 pods listed and watched for who looks at pods: memory, and how long the loop stands still.

`python -m tests.bench.live.many_pods` is the reader, which prints both; the cluster is a process of its own.
"""

import asyncio
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import uvloop

from kube.clients import Cluster, connect
from kube.kubeconfig import Access
from live.pods import PodHub
from live.process import settle_memory
from tests.bench.live.place import judged
from tests.kit.installation import ROOT
from tests.kube.serving import Script, bookmark, event, serving, stream
from tests.live.test_many_pods import large_pod

PODS, CHANGES = 5_000, 2_000
MOST_MEMORY, MOST_STALL = 30.0, 100.0


def run() -> Iterator[str]:
    """One line."""
    ask, answer = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(answer,), daemon=True)
    server.start()
    try:
        program = [sys.executable, "-m", "tests.bench.live.many_pods", ask.recv()]
        found = json.loads(subprocess.run(program, cwd=ROOT, check=True, capture_output=True).stdout)
    finally:
        server.kill()
    yield judged(
        f"{PODS:,} pods listed and {CHANGES:,} changes watched in {found['seconds']:.1f} s: {found['memory']:+.1f} MB "
        f"(under {MOST_MEMORY}), the loop stood still for {found['stall']:.0f} ms at most (under {MOST_STALL:.0f})",
        found["memory"] < MOST_MEMORY and found["stall"] < MOST_STALL and found["pods"] == PODS,
    )


def _serve(pipe: Any) -> None:
    asyncio.run(_cluster(pipe))


async def _cluster(pipe: Any) -> None:
    pods = [event("ADDED", large_pod(number)) for number in range(PODS)]
    changes = [event("MODIFIED", large_pod(number)) for number in range(CHANGES)]
    script = Script(*[stream(*pods, bookmark("10000", initial=True), *changes) for _ in range(2)])
    async with serving(script.answer) as url:
        pipe.send(url)
        await asyncio.Event().wait()


async def _look(url: str) -> dict[str, float]:
    async with connect(Access(url, token="t", allow_private=True)) as cluster:

        async def opened(_: str) -> Cluster:
            return cluster

        settle_memory()
        process, stalls = psutil.Process(), [0.0]
        before, highest = process.memory_info().rss, [0]
        beside = asyncio.create_task(_beside(stalls, highest))
        hub, began = PodHub(opened), time.monotonic()
        with hub.watching(("cls_1", "shop-1")) as watcher:
            snapshot = await watcher.next(60)
            told = 0
            while told < CHANGES:
                changed = await watcher.next(5)
                told += len(getattr(changed, "changed", ()))
        seconds = time.monotonic() - began
        beside.cancel()
        with suppress(asyncio.CancelledError):
            await beside
        await hub.close()
    pods = len(getattr(snapshot, "pods", ()))
    more = (max(highest[0], process.memory_info().rss) - before) / 1e6
    return {"memory": more, "stall": 1000 * max(stalls), "seconds": seconds, "pods": pods}


async def _beside(stalls: list[float], highest: list[int]) -> None:
    """Notes how late a loop is that should turn every 5 ms, and the most memory."""
    process = psutil.Process()
    while True:
        at = time.monotonic()
        await asyncio.sleep(0.005)
        stalls[0] = max(stalls[0], time.monotonic() - at - 0.005)
        highest[0] = max(highest[0], process.memory_info().rss)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_look(sys.argv[1]))))  # noqa: T201
