"""Who is asking, as the endpoint needs to know it: found by what is injected, limited by what is open."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import structlog
from graphql import GraphQLError

from resolvers.session import ACCESS_LOST, SERVER_DRAIN, Ending, Session
from transport.errors import TOO_MANY_SUBSCRIPTIONS, UNAUTHENTICATED, problem

log = structlog.get_logger("berth.transport")

Authenticate = Callable[[str | None], Awaitable[object | None]]
"""The viewer that a token stands for; None when the token is missing, wrong, revoked or past its end."""

MakeContext = Callable[[object, str, Session], object]
"""The context of one operation, from its viewer, its request id and its connection's session: made anew for each."""


async def until_revoked(
    authenticate: Authenticate, session: Session, every: float, watched: Callable[[], bool]
) -> Ending:
    """Return when the session's token stands for nobody any more, with the reason to tell.

    It is looked at every so many seconds while `watched` says so, and once more after that: the last stream may have
    ended because it found out first. A look-up that fails is logged and tried again: a database that does not answer
    revokes nothing.
    """
    watching = False
    while True:
        await asyncio.sleep(every)
        before, watching = watching, watched()
        if watching or before:
            try:
                token = session.token
                if await authenticate(token) is None and token == session.token:
                    return ACCESS_LOST
            except Exception:
                log.exception("a token could not be looked at again")


def bearer(header: str | None) -> str | None:
    """The token in an Authorization header's text; None where there is none."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def unauthenticated(token: str | None) -> GraphQLError:
    """The error of a request whose token is missing, or is no token."""
    message = "The token is wrong, revoked or past its end." if token else "There is no token."
    remedy = "Send Authorization: Bearer <token>. Reading the schema needs a token as well."
    return problem(UNAUTHENTICATED, message, remedy)


def draining() -> GraphQLError:
    """The error of a subscription while the process is about to end."""
    message, remedy = "The server is ending, and opens no stream any more.", "Come back in a moment."
    return problem(SERVER_DRAIN.reason, message, remedy, retryable=True)


def too_many(limit: int) -> GraphQLError:
    """The error of a subscription beyond what its token may have open."""
    message = f"This token has {limit} subscriptions open, and may not have more."
    return problem(TOO_MANY_SUBSCRIPTIONS, message, "End some of them first.", max=limit)


class TooMany(Exception):  # noqa: N818 - it is an answer to the client
    """The token holds as many open as it may."""


class Held:
    """What each token holds open in this process, subscriptions or websockets; tokens are kept as digests only."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[bytes] = Counter()

    def are_full(self, token: str) -> bool:
        """Whether the token may open no more."""
        return self._open[_key(token)] >= self.limit

    @contextmanager
    def one_more(self, token: str) -> Iterator[None]:
        """Count one of the token's while it is open. Raises TooMany."""
        if self.are_full(token):
            raise TooMany
        key = _key(token)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def _key(token: str) -> bytes:
    return sha256(token.encode()).digest()
