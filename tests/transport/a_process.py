"""The small contract in a process of its own, as a server runs it: prints its port, and ends at a signal."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.transport.serving import served


def main() -> None:
    made = served()
    listener = socket.create_server(("127.0.0.1", 0))

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        with made.service.shutdown.on_signals():
            print(listener.getsockname()[1], flush=True)  # noqa: T201 - the test reads it
            yield
            await made.service.operations.finish_writes()

    made.app.router.lifespan_context = lifespan
    uvicorn.Server(uvicorn.Config(made.app, log_level="critical")).run(sockets=[listener])


if __name__ == "__main__":
    main()
