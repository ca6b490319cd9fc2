"""A server that answers as a test says, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from aiohttp import web

from kube.clients import Cluster, connect
from kube.kubeconfig import Access

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers everything by this handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Cluster]:
    """A client of such a server."""
    async with serving(handler) as url, connect(Access(url, token="t", allow_private=True)) as cluster:
        yield cluster


@dataclass(slots=True)
class Answer:
    """A status and a body, sent in these parts; `end` is how the body ends."""

    parts: list[bytes]
    status: int = 200
    end: Literal["clean", "abort", "hold"] = "hold"
    headers: dict[str, str] = field(default_factory=dict)


class Script:
    """Gives the next answer to each request; notes what was asked. When there is no other one, it does not answer."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The next answer."""
        self.asked.append(dict(request.query))
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        for part in answer.parts:
            await response.write(part)
        if answer.end == "hold":
            await asyncio.Event().wait()
        if answer.end == "abort":
            assert request.transport is not None
            request.transport.abort()
        return response


def refusal(code: int, **headers: str) -> Answer:
    """A Status as a response."""
    status = {"kind": "Status", "code": code, "message": "said by the test"}
    return Answer(
        [orjson.dumps(status)], code, "clean", {name.replace("_", "-"): text for name, text in headers.items()}
    )


def listed(version: str, *items: dict[str, Any], token: str = "") -> Answer:
    """A page of a list."""
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    return Answer([orjson.dumps({"kind": "List", "metadata": metadata, "items": items})], end="clean")


def stream(*events: bytes, end: Literal["clean", "abort", "hold"] = "hold") -> Answer:
    """The events of a watch."""
    return Answer(list(events), end=end)


def thing(name: str, version: str, uid: str = "") -> dict[str, Any]:
    """An object."""
    return {"metadata": {"namespace": "n", "name": name, "uid": uid or f"uid-{name}", "resourceVersion": version}}


def event(event_type: str, found: dict[str, Any]) -> bytes:
    """A line of a watch."""
    return orjson.dumps({"type": event_type, "object": found}) + b"\n"


def bookmark(version: str, *, initial: bool = False) -> bytes:
    """A bookmark; `initial`: the one that ends what exists."""
    metadata: dict[str, Any] = {"resourceVersion": version}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return event("BOOKMARK", {"metadata": metadata})


def fault(code: int) -> bytes:
    """An error inside a stream."""
    return event("ERROR", {"kind": "Status", "code": code, "message": "said by the test"})
