"""Logs that say nothing: a quiet container is left in peace, a quiet node is found out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest
from aiohttp import web

from kube.clients import Cluster
from kube.log_records import Gap, Line, Record, Source
from kube.tail import Tail
from settings import settings
from tests.kit.waiting import until
from tests.kube.serving import served

SOURCE = Source("shop-dev", "web-1", "uid-1", "web", "containerd://1")
START = 1_767_225_600 * 10**9


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Silences that are looked into soon."""
    monkeypatch.setenv("BERTH_LOG_WATCHDOG", "0.05")
    monkeypatch.setattr("kube.log_streams._GRACE", 0.02)
    monkeypatch.setattr("kube.log_streams._OPENING", 0.1)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def stamped(second: int, message: str) -> str:
    return f"2026-01-01T00:00:{second:02}.000000000Z {message}\n"


class Node:
    """Streams what `follow` has and then is silent; what it really has is in `file`."""

    def __init__(self, file: str, *follow: str) -> None:
        self.file = file
        self.follow = list(follow)
        self.headers = asyncio.Event()
        self.headers.set()
        self.followed = self.asked = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("follow") != "true":
            self.asked += 1
            lines = self.file.splitlines(True)
            return web.Response(text="".join(lines[-int(request.query.get("tailLines", len(lines))) :]))
        self.followed += 1
        await self.headers.wait()
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write((self.follow.pop(0) if self.follow else self.file).encode())
        await asyncio.Event().wait()
        raise AssertionError("it is silent for ever")


async def read(cluster: Cluster, count: int, meanwhile: Callable[[], Awaitable[None]] | None = None) -> list[Record]:
    """So many records, and then what must hold, while the tail goes on."""
    found: list[Record] = []
    async with asyncio.timeout(10), aclosing(Tail(cluster, SOURCE, lambda: "RUNNING").records()) as pieces:
        async for records in pieces:
            found += records
            if len(found) >= count:
                break
        if meanwhile is not None:
            going_on = asyncio.create_task(anext(pieces))
            await meanwhile()
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
    return found


def texts(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Line)]


async def test_a_node_that_goes_quiet_at_a_rotation_is_asked_and_read_anew() -> None:
    node = Node(stamped(1, "a") + stamped(2, "b"), stamped(1, "a"))
    async with served(node.answer) as cluster:
        assert texts(await read(cluster, 2)) == ["a", "b"]
    assert node.followed == 2


async def test_what_was_rotated_away_in_the_silence_is_marked() -> None:
    node = Node(stamped(9, "z"), stamped(1, "a"))
    async with served(node.answer) as cluster:
        found = await read(cluster, 3)
    assert texts(found) == ["a", "z"]
    assert found[1] == Gap(START + 10**9, START + 9 * 10**9, "ROTATION")


async def test_a_container_that_has_nothing_to_say_is_left_in_peace() -> None:
    node = Node(stamped(1, "a"))

    async def asked() -> bool:
        return node.asked >= 3

    async with served(node.answer) as cluster:
        assert texts(await read(cluster, 1, lambda: until(asked, True))) == ["a"]
    assert node.followed == 1


async def test_a_node_that_answers_with_the_first_line_only_is_waited_for_and_keeps_no_other_waiting() -> None:
    node = Node("", *[stamped(1, "a")] * 12)
    node.headers.clear()
    async with served(node.answer) as cluster:
        readings = [asyncio.create_task(read(cluster, 1)) for _ in range(12)]

        async def followed() -> int:
            return node.followed

        await until(followed, 12)
        node.headers.set()
        assert [texts(found) for found in await asyncio.gather(*readings)] == [["a"]] * 12


async def test_only_so_many_logs_are_opened_at_once() -> None:
    opening, most = 0, 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal opening, most
        if request.query.get("follow") == "true":
            opening += 1
            most = max(most, opening)
            await asyncio.sleep(0.01)
            opening -= 1
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(stamped(1, "a").encode())
        await asyncio.Event().wait()
        raise AssertionError("it is silent for ever")

    async with served(answer) as cluster:
        await asyncio.gather(*(read(cluster, 1) for _ in range(40)))
    assert most == 5
