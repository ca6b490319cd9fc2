"""A viewer that is cut again and again, and what it has read, held against what was written."""

import asyncio
import itertools
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

_FOLLOW = """subscription($id: ID!, $after: String) { instanceLogs(instanceId: $id, after: $after, tail: 5000) {
  __typename
  ... on LogSources { sources { index pod } }
  ... on LogBatch { cursor lines { source timestamp message } dropped { source count from to } }
  ... on LogGap { gapSource: source gapFrom: from gapTo: to gapReason: reason }
  ... on LogHeartbeat { cursor }
  ... on LogEnd { cursor endReason: reason }
} }"""


@dataclass(slots=True)
class Read:
    """What came of one pod. lines: (number, nanoseconds) as they came. marks: (from, to) of gaps and drops.

    written: how many lines it had written when it was told to end, by its last words.
    """

    lines: list[tuple[int, int]] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    written: int | None = None

    def twice(self) -> list[int]:
        """The numbers that did not come after the one before them."""
        numbers = [number for number, _ in self.lines]
        return [after for before, after in itertools.pairwise(numbers) if after <= before]

    def reached(self, number: int) -> bool:
        return bool(self.lines) and self.lines[-1][0] >= number

    def missing(self, first: int, last: int) -> tuple[int, list[tuple[int, int]]]:
        """How many lines between two numbers did not come, and the ranges of those that no mark tells of."""
        lost, unmarked = 0, []
        known = [(first - 1, 0), *self.lines, (last + 1, 2**63)]
        for (before, at), (after, then) in itertools.pairwise(known):
            if after > before + 1:
                lost += after - before - 1
                if not any(since <= then and until >= at for since, until in self.marks):
                    unmarked.append((before + 1, after - 1))
        return lost, unmarked


class Reader:
    """Follows an instance until the last line of so many pods came, through so many cuts at random moments."""

    def __init__(self, url: str, token: str, instance: str, seed: int) -> None:
        self.pods: dict[str, Read] = defaultdict(Read)
        self.reasons: list[str] = []
        self.cuts = 0
        self._address = url.replace("http", "ws", 1)
        self._token = token
        self._instance = instance
        self._random = random.Random(seed)
        self._cursor: str | None = None

    async def read(self, pods: int, last: int, cuts: int, seconds: float) -> None:
        """Until the line `last` of so many pods came. Raises: TimeoutError."""
        async with asyncio.timeout(seconds):
            while sum(read.reached(last) for read in self.pods.values()) < pods:
                stay = self._random.uniform(0.05, 0.35) if self.cuts < cuts else 5.0
                try:
                    await self._connection(stay)
                except ConnectionClosed:
                    pass
                except (OSError, InvalidHandshake):  # nobody is there now; this was no cut
                    await asyncio.sleep(0.05)
                    continue
                self.cuts += 1

    async def _connection(self, stay: float) -> None:
        """One connection that is dropped without a word when its time is over."""
        async with connect(self._address, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            await socket.send(_text({"type": "connection_init", "payload": {"token": self._token}}))
            await socket.recv()
            payload = {"query": _FOLLOW, "variables": {"id": self._instance, "after": self._cursor}}
            await socket.send(_text({"id": "1", "type": "subscribe", "payload": payload}))
            names: dict[int, str] = {}
            with suppress(TimeoutError):
                async with asyncio.timeout(stay):
                    while await self._message(socket, names):
                        pass
            socket.transport.abort()

    async def _message(self, socket: ClientConnection, names: dict[int, str]) -> bool:
        message = orjson.loads(await socket.recv())
        if message["type"] == "ping":
            await socket.send(_text({"type": "pong"}))
            return True
        assert message["type"] == "next", message
        event = message["payload"]["data"]["instanceLogs"]
        match event["__typename"]:
            case "LogSources":
                names |= {one["index"]: one["pod"] for one in event["sources"]}
            case "LogBatch":
                for line in event["lines"]:
                    read, (kind, number) = self.pods[names[line["source"]]], _words(line["message"])
                    if kind == "line":
                        read.lines.append((number, int(line["timestamp"])))
                    elif kind == "written":
                        read.written = number
                for drop in event["dropped"]:
                    self.pods[names[drop["source"]]].marks.append((int(drop["from"]), int(drop["to"])))
            case "LogGap":
                self.reasons.append(event["gapReason"])
                range_ = int(event["gapFrom"] or 0), int(event["gapTo"] or 2**63)
                for name in names.values() if event["gapSource"] is None else [names[event["gapSource"]]]:
                    self.pods[name].marks.append(range_)
        self._cursor = event.get("cursor") or self._cursor
        return bool(event["__typename"] != "LogEnd")


def _words(message: str) -> tuple[str, int]:
    """What a line is ("line", "written", or something else), and its number."""
    kind, _, rest = message.partition(" ")
    return kind, int(rest.split()[0]) if kind in ("line", "written") else 0


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
