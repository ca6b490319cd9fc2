"""What the endpoint and its websockets share: operations to run, who may run them, and how much at once."""

from dataclasses import dataclass, field
from typing import Self

from settings import Settings
from transport.access import Authenticate, MakeContext, Streams
from transport.operations import Operations
from transport.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Bytes of a body; seconds between signs of life of an event stream, until a websocket's `connection_init`, and
    between looks at the token of an open websocket; operations open at once on one websocket."""

    body: int = 1_000_000
    heartbeat: float = 15.0
    websocket_init: float = 10.0
    token_recheck: float = 5.0
    operations: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            body=settings.body_limit,
            heartbeat=settings.heartbeat,
            websocket_init=settings.websocket_init,
            token_recheck=settings.token_recheck,
            operations=settings.subscriptions_per_connection,
        )


@dataclass(slots=True)
class Service:
    """Made once for a process; `authenticate` and `make_context` come from the layer that knows users."""

    operations: Operations
    authenticate: Authenticate
    make_context: MakeContext
    shutdown: Shutdown = field(default_factory=Shutdown)
    streams: Streams = field(default_factory=lambda: Streams(200))
    limits: TransportLimits = TransportLimits()
