"""An ASGI application called in this process: no socket and no client's own work in the figures."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

Call = Callable[[], Awaitable[bytes]]


def caller(app: ASGIApp, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Call:
    """A request, to be sent again and again; it answers with the body. Raises RuntimeError when that is no 200."""
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def call() -> bytes:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": encoded,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])
        answer: list[Message] = []
        gone = asyncio.get_running_loop().create_future()

        async def receive() -> Message:
            for message in asked:
                return message
            await gone  # the client stays until it has its answer
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answer.append(message)

        await app(scope, receive, send)
        text = b"".join(message.get("body", b"") for message in answer)
        if answer[0]["status"] != 200:
            raise RuntimeError(text.decode())
        return text

    return call


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds a call took of this process's CPU, and by the clock."""

    cpu: list[float]
    wall: list[float]

    @property
    def cpu_median(self) -> float:
        return statistics.median(self.cpu)

    @property
    def wall_median(self) -> float:
        return statistics.median(self.wall)

    @property
    def wall_p95(self) -> float:
        return statistics.quantiles(self.wall, n=20)[-1]


async def measure(rounds: int, **calls: Call) -> dict[str, Figures]:
    """The figures of several calls, taken by turns, so that a slow moment of the machine hits them alike."""
    for call in calls.values():
        for _ in range(rounds // 10 + 1):
            await call()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    taken: dict[str, Any] = {name: Figures([], []) for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            cpu, wall = time.process_time(), time.perf_counter()
            await call()
            taken[name].cpu.append((time.process_time() - cpu) * 1000)
            taken[name].wall.append((time.perf_counter() - wall) * 1000)
    return taken
