"""Where replicas of the API agree who reads a log, and where they find what it reads: Valkey.

Every log has one lease and one stream. Who holds the lease reads the log and appends to the stream, by one script that
looks at the lease first: who lost it while it was stopped appends nothing more. Both are short-lived, and may be lost
at any time: a replica knows by itself how far it has read, and reads on from the cluster what the stream cannot tell.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from live.log_wire import Entry, read, written

log = structlog.get_logger(__name__)

_ENTRIES = 64
"""Entries that a stream keeps."""

_KEPT = 120
"""Seconds for which a stream is kept after its last entry."""

_AT_ONCE = 16
_BLOCK = 1.0
_LIMIT = 2.0
_PREFIX = "berth:log"

_CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_APPEND = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', 'e', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[4])
if ARGV[5] == '1' then redis.call('DEL', KEYS[1]) end
return 1
"""

_AWAY = (RedisError, OSError, TimeoutError)


@dataclass(eq=False, slots=True)
class Claim:
    """The right to read a log. shared: whether others know; without Valkey everyone reads for themselves.

    lost: set when another replica reads it.
    """

    key: str
    token: str
    shared: bool = True
    lost: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class Follower:
    """Who gets a log from another replica. last: the number of the entry that was put here last.

    entries: as they were appended, with their numbers; None when nobody seems to read the log.
    """

    last: str
    entries: asyncio.Queue[tuple[str, Entry] | None] = field(default_factory=lambda: asyncio.Queue(4 * _ENTRIES))

    def put(self, entry: tuple[str, Entry] | None) -> None:
        """Hands one over; the oldest goes where there are too many, for what is missing is found by its place."""
        if self.entries.full():
            self.entries.get_nowait()
        self.entries.put_nowait(entry)


class Exchange:
    """Runs from `open` to `close`. lease: seconds after which a replica that says nothing has lost what it reads."""

    def __init__(self, url: str, lease: float) -> None:
        # Without the client's own timeouts: for those it uses wait_for, which loses cancellations on Python 3.11.
        self._commands: Redis = Redis.from_url(url)
        self._reading: Redis = Redis.from_url(url)
        self._lease = lease
        self._name = uuid.uuid4().hex
        self._number = 0
        self._claims: set[Claim] = set()
        self._followers: dict[str, set[Follower]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        self._tasks = [asyncio.create_task(self._renew()), asyncio.create_task(self._read())]

    async def close(self) -> None:
        """Ends; what is still claimed is free when its lease has run out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._commands.aclose()
        await self._reading.aclose()

    # Who reads.

    async def claim(self, key: str) -> Claim | None:
        """The right to read a log; None when another one has it."""
        self._number += 1
        claim = Claim(key, f"{self._name}:{self._number}")
        await self._ask(claim)
        if claim.lost.is_set():
            return None
        self._claims.add(claim)
        return claim

    async def append(self, claim: Claim, entry: Entry) -> None:
        """Tells the others what was read. Never raises: where it cannot, they find out by themselves."""
        if claim.shared and not await self._append(claim, entry):
            await self._ask(claim)  # Valkey may have forgotten whose it is
            if claim.shared:
                await self._append(claim, entry)

    async def release(self, claim: Claim, entry: Entry) -> None:
        """Gives the right back, with a last word. Never raises."""
        self._claims.discard(claim)
        if claim.shared:
            await self._append(claim, entry, last=True)

    async def _ask(self, claim: Claim) -> bool:
        """Claims, again or for the first time; answers whether Valkey did."""
        try:
            async with asyncio.timeout(_LIMIT):
                mine = await self._script(_CLAIM, [_lease(claim.key)], [claim.token, round(self._lease * 1000)])
        except _AWAY:
            self._without(claim)
            return False
        claim.shared = bool(mine)
        if not mine:
            claim.lost.set()
        return True

    async def _append(self, claim: Claim, entry: Entry, *, last: bool = False) -> bool:
        """Whether the right is still there, with which it appends. last: gives it back. Without Valkey it is true."""
        keys = [_lease(claim.key), _stream(claim.key)]
        try:
            async with asyncio.timeout(_LIMIT):
                told = [claim.token, written(entry), _ENTRIES, _KEPT, int(last)]
                return bool(await self._script(_APPEND, keys, told))
        except _AWAY:
            self._without(claim)
            return True

    def _without(self, claim: Claim) -> None:
        if claim.shared:
            log.warning("Valkey does not answer; this replica reads logs for itself")
        claim.shared = False

    async def _script(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        return await cast(Awaitable[Any], self._commands.eval(script, len(keys), *keys, *arguments))

    async def _renew(self) -> None:
        """Keeps what is claimed, and claims it again after Valkey was away or forgot it."""
        while True:
            await asyncio.sleep(self._lease / 3)
            for claim in list(self._claims):
                if not await self._ask(claim):
                    for other in self._claims:
                        self._without(other)
                    break

    # What others read.

    @asynccontextmanager
    async def following(self, key: str, since: str) -> AsyncIterator[Follower]:
        """Gets the entries behind a number, or from the oldest that is kept ("0")."""
        follower = Follower(since)
        self._followers.setdefault(key, set()).add(follower)
        try:
            await self._wake()
            yield follower
        finally:
            self._followers[key].discard(follower)
            if not self._followers[key]:
                del self._followers[key]

    async def _wake(self) -> None:
        """Has the reader look at whom it reads for."""
        with suppress(*_AWAY):
            async with asyncio.timeout(_LIMIT):
                await self._commands.xadd(self._bell, {"e": b""}, maxlen=1)
                await self._commands.expire(self._bell, _KEPT)

    @property
    def _bell(self) -> str:
        return f"{_PREFIX}:bell:{self._name}"

    async def _read(self) -> None:
        """One reading for all that is followed, which waits for the next entry of any of them."""
        rung, looked, clock = "0", 0.0, asyncio.get_running_loop().time
        while True:
            try:
                where = {self._bell: rung}
                for key, followers in self._followers.items():
                    where[_stream(key)] = min((each.last for each in followers), key=_number)
                async with asyncio.timeout(_LIMIT + _BLOCK):
                    found = await self._reading.xread(cast(Any, where), count=_AT_ONCE, block=round(_BLOCK * 1000))
                for stream, entries in found:
                    if stream.decode() == self._bell:
                        rung = entries[-1][0].decode()
                    else:
                        self._hand_on(stream.decode(), entries)
                if clock() - looked > _BLOCK:
                    await self._look()
                    looked = clock()
            except _AWAY:
                for followers in self._followers.values():
                    for follower in followers:
                        follower.put(None)
                await asyncio.sleep(_BLOCK)

    def _hand_on(self, stream: str, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        followers = self._followers.get(_key(stream), ())
        for id, fields in entries:
            number, entry = id.decode(), read(fields[b"e"])
            for follower in followers:
                if _number(number) > _number(follower.last):
                    follower.last = number
                    follower.put((number, entry))

    async def _look(self) -> None:
        """Tells those whose log nobody reads any more."""
        keys = list(self._followers)
        if not keys:
            return
        async with asyncio.timeout(_LIMIT):
            held = await self._commands.mget([_lease(key) for key in keys])
        for key, holder in zip(keys, held, strict=True):
            for follower in self._followers.get(key, ()) if holder is None else ():
                follower.last = "0"  # what comes next may be in a Valkey that begins anew
                follower.put(None)


def _lease(key: str) -> str:
    return f"{_PREFIX}:{{{key}}}:reader"


def _stream(key: str) -> str:
    return f"{_PREFIX}:{{{key}}}:lines"


def _key(stream: str) -> str:
    return stream.partition("{")[2].partition("}")[0]


def _number(id: str) -> tuple[int, int]:
    """An entry's number, which grows."""
    first, _, second = id.partition("-")
    return int(first), int(second or 0)


_current: Exchange | None = None


def open(url: str, lease: float) -> None:
    """Makes this process's exchange."""
    global _current
    assert _current is None, "the exchange is there already"
    _current = Exchange(url, lease)
    _current.open()


async def close() -> None:
    """Lets it go; does nothing when there is none."""
    global _current
    if _current is not None:
        closing, _current = _current, None
        await closing.close()


def current() -> Exchange | None:
    """The exchange of this process; None where replicas do not share what they read."""
    return _current
