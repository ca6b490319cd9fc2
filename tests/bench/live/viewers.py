"""Viewers of one instance's logs, lean: most of them only count. `python -m tests.bench.live.viewers '{...}'`.

Options: url, token, instance, viewers, seconds (from when all are open), deaf (how many do not read), wakes (after how
many seconds those read all the same), looks (how many look at what they get), raw (a plain websocket that sends frames
by itself).

It prints how many bytes and frames came, how late lines were to the viewers that look (milliseconds), when each had its
first line, of those that look what they missed, what they had twice and when something came, and of those that read
late what they missed and what they were told they had missed.
"""

import asyncio
import json
import socket
import sys
import time
from itertools import pairwise
from typing import Any

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

LOGS = """subscription($id: ID!, $tail: Int!) { instanceLogs(instanceId: $id, tail: $tail) {
  is: __typename
  ... on LogBatch { lines { seq timestamp source message } dropped { count reason } }
  ... on LogGap { gap: reason }
  ... on LogEnd { end: reason }
} }"""
PROTOCOL = Subprotocol("graphql-transport-ws")
LOOKING = 4
"""How many of the viewers read what they get."""


class Viewer:
    def __init__(self, number: int, given: dict[str, Any]) -> None:
        self.looks = number < given.get("looks", LOOKING) and not given.get("raw")
        self.frames = self.bytes = 0
        self.first: float | None = None
        self.late: list[float] = []
        self.numbers: list[int] = []
        self.heard: list[float] = []
        self.dropped = 0
        self.ended = ""
        self._given = given
        self._sample = b""

    async def run(self, opened: "asyncio.Queue[None]") -> None:
        given = self._given
        protocols = None if given.get("raw") else [PROTOCOL]
        began = time.monotonic()
        async with connect(given["url"], subprotocols=protocols, max_size=None, compression=None) as websocket:
            if not given.get("raw"):
                await websocket.send(json.dumps({"type": "connection_init", "payload": {"token": given["token"]}}))
                await websocket.recv()
                variables = {"id": given["instance"], "tail": given.get("tail", 0)}
                payload = {"query": LOGS, "variables": variables}
                await websocket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            opened.put_nowait(None)
            try:
                await self._read(websocket, began)
            except ConnectionClosed as closed:
                self.ended = f"closed {closed.rcvd.code if closed.rcvd else ''}"

    async def _read(self, websocket: ClientConnection, began: float) -> None:
        while True:
            frame = await websocket.recv(decode=False)
            self.frames += 1
            self.bytes += len(frame)
            if self.first is None and b'"message"' in frame:
                self.first = time.monotonic() - began
            if len(frame) > len(self._sample):
                self._sample = bytes(frame)
            if self.looks:
                self._look(frame)

    def _look(self, frame: bytes) -> None:
        now = time.time_ns()
        event = ((orjson.loads(frame).get("payload") or {}).get("data") or {}).get("instanceLogs") or {}
        if event.get("lines"):
            self.heard.append(now / 1e9)
        for line in event.get("lines", ()):
            self.late.append((now - int(line["timestamp"])) / 1e6)
            self.numbers.append(int(line["message"].rpartition(" ")[2]) if "number" in line["message"] else -1)
        self.dropped += sum(one["count"] for one in event.get("dropped", ()))
        self.ended = event.get("end", self.ended)


async def main(given: dict[str, Any]) -> None:
    """Opens them, waits, and prints what they saw."""
    viewers = [Viewer(number, given) for number in range(given["viewers"])]
    opened: asyncio.Queue[None] = asyncio.Queue()
    deaf = [await _deaf(given) for _ in range(given.get("deaf", 0))]
    late_ones = [asyncio.create_task(_woken(each, given)) for each in deaf if "wakes" in given]
    tasks = [asyncio.create_task(viewer.run(opened)) for viewer in viewers]
    for _ in tasks:
        await opened.get()
    sys.stderr.write("open\n")
    sys.stderr.flush()
    await asyncio.sleep(given["seconds"])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    woken = await asyncio.gather(*late_ones)
    for one in deaf:
        one.transport.abort()
    looking = [viewer for viewer in viewers if viewer.looks]
    late = sorted(ms for viewer in looking for ms in viewer.late)
    sample = max((viewer._sample for viewer in viewers), key=len)
    print(  # noqa: T201
        json.dumps(
            {
                "bytes": sum(viewer.bytes for viewer in viewers),
                "frames": sum(viewer.frames for viewer in viewers),
                "late": [late[int(len(late) * share)] for share in (0.5, 0.99)] if late else [],
                "first": sorted(viewer.first if viewer.first is not None else 1e9 for viewer in viewers),
                "missing": [_missing(viewer.numbers) for viewer in looking],
                "twice": [len(viewer.numbers) - len(set(viewer.numbers)) for viewer in looking],
                "heard": [viewer.heard for viewer in looking],
                "dropped": [viewer.dropped for viewer in looking],
                "woken": woken,
                "ended": sorted({viewer.ended for viewer in viewers}),
                "sample": sample.decode(),
            }
        )
    )


def _missing(numbers: list[int]) -> int:
    """How many of a row are not there once, in order."""
    wanted = [number for number in numbers if number >= 0]
    return sum(after - before - 1 for before, after in pairwise(wanted)) if wanted else -1


async def _deaf(given: dict[str, Any]) -> ClientConnection:
    """A viewer that asks for everything and does not read, over a socket with a small buffer."""
    at = given["url"].removeprefix("ws://").partition("/")[0].partition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect((at[0], int(at[2])))
    websocket = await connect(
        given["url"],
        sock=made,
        subprotocols=[PROTOCOL],
        max_queue=1,
        compression=None,
        ping_interval=None,
    )
    await websocket.send(json.dumps({"type": "connection_init", "payload": {"token": given["token"]}}))
    await websocket.recv()
    payload = {"query": LOGS, "variables": {"id": given["instance"], "tail": 0}}
    await websocket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    websocket.transport.pause_reading()
    return websocket


async def _woken(websocket: ClientConnection, given: dict[str, Any]) -> tuple[int, int]:
    """What one missed that reads after a while, and what it was told that it missed."""
    await asyncio.sleep(given["wakes"])
    websocket.transport.resume_reading()
    viewer = Viewer(0, given)
    viewer.looks = True
    reading = asyncio.create_task(viewer._read(websocket, time.monotonic()))
    await asyncio.sleep(given["seconds"] - given["wakes"] - 1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return _missing(viewer.numbers), viewer.dropped


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
