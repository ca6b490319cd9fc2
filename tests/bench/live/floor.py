"""The floor: the same server program, sending one frame ten times a second to every socket, and nothing else.

`python -m tests.bench.live.floor PORT FRAMEFILE`
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvicorn

EVERY = 0.1


def application(frame: str) -> Any:
    """The ASGI application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": frame})
                await asyncio.sleep(EVERY)
        except Exception:
            return  # the client has gone

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2]).read_text()),
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="critical",
    )
