"""What the endpoint and its websockets share: operations to run, who may run them, and how much at once."""

from dataclasses import dataclass, field
from typing import Self

from settings import Settings
from transport.access import Authenticate, Held, MakeContext
from transport.operations import Operations
from transport.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """What one request, one connection and one token may take.

    body: bytes. patience: seconds until a token is looked up, or a body is read. heartbeat: seconds between an event
    stream's signs of life. websocket_init: seconds until `connection_init`. token_recheck: seconds between two looks at
    the token of an open stream. operations: open at once on a websocket. websockets: open at once for a token.
    farewell: seconds that a stream which must end has for its last event, and a socket for its close.
    """

    body: int = 1_000_000
    patience: float = 30.0
    heartbeat: float = 15.0
    websocket_init: float = 10.0
    token_recheck: float = 5.0
    operations: int = 100
    websockets: int = 100
    farewell: float = 2.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            body=settings.body_limit,
            patience=settings.request_deadline,
            heartbeat=settings.heartbeat,
            websocket_init=settings.websocket_init,
            token_recheck=settings.token_recheck,
            operations=settings.subscriptions_per_connection,
            websockets=settings.websockets_per_token,
        )


@dataclass(slots=True)
class Service:
    """Made once for a process; `authenticate` and `make_context` come from the layer that knows users."""

    operations: Operations
    authenticate: Authenticate
    make_context: MakeContext
    shutdown: Shutdown = field(default_factory=Shutdown)
    streams: Held = field(default_factory=lambda: Held(200))
    limits: TransportLimits = TransportLimits()
    websockets: Held = field(init=False)

    def __post_init__(self) -> None:
        self.websockets = Held(self.limits.websockets)
