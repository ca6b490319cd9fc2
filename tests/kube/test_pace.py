"""However many ask one cluster, it is asked gently when it was away or has forgotten what they knew."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest
from aiohttp import web

from kube import pace
from kube.clients import Cluster
from kube.resources import SECRET
from kube.watch import follow
from settings import settings
from tests.kit.waiting import until
from tests.kube.serving import bookmark, event, fault, served, thing

REFLECTORS = 50


class Storm:
    """A server whose every watch expires at once; it counts how many read all anew at the same time."""

    def __init__(self) -> None:
        self.expired = asyncio.Event()
        self.reading = self.most = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        self.reading += 1
        if self.expired.is_set():
            self.most = max(self.most, self.reading)
            await asyncio.sleep(0.005)  # a long list
        await response.write(event("ADDED", thing("a", "5")) + bookmark("10", initial=True))
        self.reading -= 1
        if not self.expired.is_set():
            await self.expired.wait()
            await response.write(fault(410))
            return response
        await asyncio.Event().wait()
        return response


async def follow_until(cluster: Cluster, wanted: int, first: Callable[[], None]) -> None:
    async with aclosing(follow(cluster, SECRET)) as changes:
        async for change in changes:
            if change.type == "SYNCED":
                wanted -= 1
                first()
                if not wanted:
                    return


async def test_when_all_watches_expire_at_once_two_at_a_time_read_all_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_WATCH_RELIST", "0")
    settings.cache_clear()
    storm, synced = Storm(), 0

    def count() -> None:
        nonlocal synced
        synced += 1
        if synced == REFLECTORS:
            storm.expired.set()

    async with served(storm.answer) as cluster, asyncio.timeout(20):
        await asyncio.gather(*(follow_until(cluster, 2, count) for _ in range(REFLECTORS)))
    monkeypatch.undo()
    settings.cache_clear()
    assert (storm.most, storm.reading) == (pace.RELISTS, 0)


async def test_one_question_ends_every_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PROBE", 0.01)
    answers = [503, 503, 200]
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=answers.pop(0))

    async with served(answer) as cluster, asyncio.timeout(5):
        await asyncio.gather(*(cluster.pace.pause(3600, asking=True) for _ in range(20)))
        assert cluster.fenced(_nothing).pace is cluster.pace
    assert asked == ["/readyz"] * 3


async def test_a_cluster_that_is_there_ends_no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PROBE", 0.001)
    asked = asyncio.Semaphore(0)

    async def answer(_request: web.Request) -> web.StreamResponse:
        asked.release()
        return web.Response(status=200)

    async with served(answer) as cluster, asyncio.timeout(5):
        pausing = asyncio.create_task(cluster.pace.pause(3600, asking=True))
        for _ in range(5):
            await asked.acquire()
        assert not pausing.done()
        cluster.pace.well()
        await pausing


async def test_a_cluster_that_nobody_waits_for_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PROBE", 0.01)
    before = asyncio.all_tasks()

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async def probes() -> list[str]:
        names = [str(task.get_coro()) for task in asyncio.all_tasks() - before]
        return sorted(name.split()[2] for name in names if "Pace." in name)

    async with served(answer) as cluster:
        pausing = asyncio.create_task(cluster.pace.pause(3600, asking=True))
        await until(probes, ["Pace._probe", "Pace.pause"])
        pausing.cancel()
        await until(probes, list[str]())


async def _nothing() -> None:
    pass
