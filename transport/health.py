"""`/healthz` says that the process answers, `/readyz` that it can do its work, and which part cannot."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from transport.shutdown import Shutdown

log = structlog.get_logger("berth.health")

Check = Callable[[], Awaitable[object]]
"""Returns when its part works and raises when it does not."""

PATIENCE = 2.0
"""Seconds that a check may take: a probe that hangs with what it probes tells nothing."""


async def healthz(_request: Request) -> Response:
    """200 while the process answers at all: it must not be restarted for the faults of what it depends on."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """The endpoint of `/readyz`: 200 with an "ok" for each check, 503 when one fails or the process is about to end."""

    def __init__(self, checks: Mapping[str, Check], shutdown: Shutdown, patience: float = PATIENCE) -> None:
        """`checks` by the names that the answer uses: database, queue, migrations."""
        self._checks = checks
        self._shutdown = shutdown
        self._patience = patience

    async def answer(self, _request: Request) -> Response:
        """The answer names what failed in a word each; the reason goes to the log, for it may hold addresses."""
        if self._shutdown.begun:
            return JSONResponse({"status": "stopping"}, 503)
        said = await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
        checks = dict(zip(self._checks, said, strict=True))
        ready = all(word == "ok" for word in said)
        return JSONResponse({"status": "ok" if ready else "failed", "checks": checks}, 200 if ready else 503)

    async def _ask(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(self._patience):
                await check()
        except Exception as error:
            log.warning("a readiness check failed", check=name, reason=repr(error))
            return "failed"
        return "ok"
