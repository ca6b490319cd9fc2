"""Replicas that share logs: one reads, all have every line once, whatever becomes of the one and of Valkey."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from kube.errors import NotFound
from kube.log_records import Fault, Gap, Line, Position, Record
from kube.tail import History
from live import log_exchange
from live.log_exchange import Exchange
from live.log_shared import SharedLog
from live.log_wire import Entry, read, written
from tests.kit.proxy import proxied
from tests.kit.waiting import until
from tests.live.pods import line, lines

LEASE = 0.6


class Node:
    """A container's log as its node has it. readers: how many follow it now, opened: how many ever did."""

    def __init__(self) -> None:
        self.kept: list[Record] = []
        self.over = False
        self.readers = self.opened = self.bridged = 0
        self.gone = False

    def open(self, after: Position | None) -> "Following":
        return Following(self, after)


class Following:
    """One reading of it, as `kube.tail.Tail` reads."""

    def __init__(self, node: Node, after: Position | None) -> None:
        self._node = node
        places = [record.position if isinstance(record, Line) else None for record in node.kept]
        self._next = places.index(after) + 1 if after is not None else 0

    async def history(self, count: int) -> History:
        self._next = len(self._node.kept)
        return History(self._node.kept[-count:], len(self._node.kept) <= count)

    async def records(self) -> AsyncGenerator[list[Record], None]:
        self._node.readers += 1
        self._node.opened += 1
        try:
            while True:
                if piece := self._node.kept[self._next : self._next + 10]:
                    self._next += len(piece)
                    yield piece
                elif self._node.over:
                    return
                await asyncio.sleep(0.002)
        finally:
            self._node.readers -= 1

    async def rest(self) -> AsyncGenerator[list[Record], None]:
        self._node.bridged += 1
        if self._node.gone:
            raise NotFound("There is no such pod.")
        yield self._node.kept[self._next :]


class Replica:
    """One API that follows the log. got: what its viewers have."""

    def __init__(self, url: str, node: Node) -> None:
        self.exchange = Exchange(url, LEASE)
        self.got: list[Record] = []
        self.going = asyncio.Event()
        self.going.set()
        self._log = SharedLog(self.exchange, "web", node.open)
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, past: int = 0) -> None:
        self.exchange.open()
        if past:
            self.got += (await self._log.history(past)).records
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with aclosing(self._log.records()) as pieces:
            async for records in pieces:
                self.got += records
                await self.going.wait()

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def stop(self) -> None:
        """Ends as a process does that is told to."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.exchange.close()

    async def die(self) -> None:
        """Is gone without a word."""
        for task in self.exchange._tasks:
            task.cancel()
        await self.exchange._commands.aclose()
        self.exchange._commands = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.01)
        await self.stop()


Start = Callable[..., "asyncio.Future[Replica]"]


@asynccontextmanager
async def replicas(url: str, node: Node, count: int) -> AsyncIterator[list[Replica]]:
    """So many of them, started one after the other."""
    made = [Replica(url, node) for _ in range(count)]
    try:
        for each in made:
            await each.start()
            if each is made[0]:
                await until(lambda: _is(node.readers, 1), True)
        yield made
    finally:
        for each in made:
            await each.stop()


async def _is(found: object, wanted: object) -> bool:
    return found == wanted


async def have(wanted: list[Record], *them: Replica) -> None:
    """Waits until each has all of these, each of them once and in order."""
    for one in them:
        await until(lambda one=one: _is(len(one.got) >= len(wanted), True), True, seconds=10)  # type: ignore[misc]
        assert one.got == wanted
        assert [each.position for each in one.got if isinstance(each, Line)] == [
            each.position for each in wanted if isinstance(each, Line)
        ]


async def test_one_of_them_reads_and_all_have_every_line(valkey_url: str) -> None:
    node = Node()
    async with replicas(valkey_url, node, 3) as them:
        for number in range(1, 200, 10):
            node.kept += lines(number, number + 9)
            await asyncio.sleep(0.005)
        await have(lines(1, 200), *them)
        assert (node.readers, node.opened, node.bridged) == (1, 1, 0)


async def test_who_comes_later_goes_on_behind_the_past_that_it_has_read_itself(valkey_url: str) -> None:
    node = Node()
    node.kept += lines(1, 30)
    async with replicas(valkey_url, node, 1) as [first]:
        await have(lines(1, 30), first)
        late = Replica(valkey_url, node)
        await late.start(past=7)
        node.kept += lines(31, 40)
        try:
            await have(lines(24, 40), late)
        finally:
            await late.stop()
        assert node.opened == 1


@pytest.mark.parametrize("kindly", [True, False])
async def test_when_the_one_that_reads_ends_another_goes_on_with_nothing_lost(valkey_url: str, kindly: bool) -> None:
    node = Node()
    async with replicas(valkey_url, node, 3) as [first, *others]:
        node.kept += lines(1, 25)
        await have(lines(1, 25), *others)
        began = asyncio.get_running_loop().time()
        await (first.stop() if kindly else first.die())
        node.kept += lines(26, 50)
        await have(lines(1, 50), *others)
        took = asyncio.get_running_loop().time() - began
        assert (took < LEASE) is kindly
        assert (node.readers, node.opened) == (1, 2)


async def test_who_lost_its_lease_while_it_was_stopped_appends_nothing_more(valkey_url: str) -> None:
    node = Node()
    async with replicas(valkey_url, node, 2) as [first, other], Redis.from_url(valkey_url) as client:
        node.kept += lines(1, 20)
        await have(lines(1, 20), first, other)
        before = await client.xlen("berth:log:{web}:lines")
        await client.set("berth:log:{web}:reader", "another", px=300)
        node.kept += lines(21, 30)
        await until(lambda: _is(node.readers, 0), True)
        await have(lines(1, 30), first)  # its own viewers have what it read, and nobody else may
        assert await client.xlen("berth:log:{web}:lines") == before
        node.kept += lines(31, 40)
        await have(lines(1, 40), first, other)  # as soon as the other lease has run out
        assert node.readers == 1


async def test_an_emptied_valkey_loses_nothing_and_the_log_is_not_opened_again(valkey_url: str) -> None:
    node = Node()
    async with replicas(valkey_url, node, 3) as them, Redis.from_url(valkey_url) as client:
        for number in range(1, 400, 10):
            node.kept += lines(number, number + 9)
            if number % 100 == 51:
                await client.flushall()
            await asyncio.sleep(0.02)
        await have(lines(1, 400), *them)
        assert node.readers == 1


async def test_without_valkey_each_reads_for_itself_and_they_share_again_when_it_is_back(valkey_url: str) -> None:
    node = Node()
    async with proxied(urlsplit(valkey_url).path) as (proxy, at), replicas(f"redis://127.0.0.1:{at}", node, 3) as them:
        node.kept += lines(1, 20)
        await have(lines(1, 20), *them)
        proxy.whole = False
        proxy.cut()
        node.kept += lines(21, 40)
        await have(lines(1, 40), *them)
        await until(lambda: _is(node.readers, 3), True)
        proxy.whole = True
        node.kept += lines(41, 60)
        await until(lambda: _is(node.readers, 1), True)
        node.kept += lines(61, 80)
        await have(lines(1, 80), *them)


async def test_who_falls_behind_reads_from_the_cluster_what_was_let_go_of(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_exchange, "_ENTRIES", 2)
    node = Node()
    async with replicas(valkey_url, node, 2) as [first, slow]:
        node.kept += lines(1, 10)
        await have(lines(1, 10), first, slow)
        slow.going.clear()
        for number in range(11, 401, 10):
            node.kept += lines(number, number + 9)
            await have(lines(1, number + 9), first)
        slow.exchange._followers["web"].copy().pop().entries = asyncio.Queue()
        slow.going.set()
        node.kept += lines(411, 420)
        await have([*lines(1, 400), *lines(411, 420)], slow)


async def test_the_end_of_the_log_and_what_is_no_line_are_told_to_all(valkey_url: str) -> None:
    node = Node()
    async with replicas(valkey_url, node, 2) as them:
        wanted: list[Record] = [line(1), Gap(1, 2, "ROTATION"), line(2), Fault("too many open files"), line(3)]
        node.kept += wanted
        await have(wanted, *them)
        node.over = True
        for each in them:
            await until(lambda each=each: _is(each.ended, True), True)  # type: ignore[misc]
        late = Replica(valkey_url, node)
        await late.start(past=5)
        try:
            await until(lambda: _is(late.ended, True), True)
            assert late.got == wanted
        finally:
            await late.stop()


async def test_what_cannot_be_connected_and_is_gone_is_a_gap(valkey_url: str) -> None:
    node = Node()
    node.gone = True
    async with Redis.from_url(valkey_url) as client:
        await client.set("berth:log:{web}:reader", "another", px=60_000)
        late = Replica(valkey_url, node)
        node.kept += lines(1, 5)
        await late.start(past=5)
        entry = Entry(line(7).position, lines(8, 9), over=True)
        await client.xadd("berth:log:{web}:lines", {"e": written(entry)})
        try:
            await until(lambda: _is(late.ended, True), True)
        finally:
            await late.stop()
        assert late.got == [*lines(1, 5), Gap(line(5).ns, 0, "REMOVED"), *lines(8, 9)]


def test_everything_about_a_line_goes_over_the_wire() -> None:
    place = Position(2**62, 3, 2**32 - 1, 2**62 + 1)
    whole = Line(2**62, "é\u2028", 70_000, place, raw="a\rb", truncated=True, lossy=True, partial=True)
    entry = Entry(None, [line(1), whole, Gap(1, 0, "REMOVED"), Fault("no")], over=True)
    found = read(written(entry))
    assert found == entry
    assert isinstance(found.records[1], Line)
    assert (found.records[1].position, found.records[1].position.high) == (place, place.high)
