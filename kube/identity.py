"""Which cluster answers: the UID of its kube-system namespace, looked at again before anything is written."""

from asyncio import Lock
from collections.abc import Awaitable, Callable
from time import monotonic

from kube.errors import ClusterChanged

FRESH = 5.0  # seconds for which an answer counts: another cluster takes over an address in minutes, not in moments


class Identity:
    """The cluster that is meant. ask: the UID of the one that answers; it may raise KubeError."""

    def __init__(self, uid: str, ask: Callable[[], Awaitable[str]], clock: Callable[[], float] = monotonic) -> None:
        self._uid = uid
        self._ask = ask
        self._clock = clock
        self._good_until = 0.0
        self._asking = Lock()

    async def verify(self, *, now: bool = False) -> None:
        """Asks, unless that was done a moment ago and `now` is false. Raises: ClusterChanged, KubeError."""
        async with self._asking:
            if not now and self._clock() < self._good_until:
                return
            began = self._clock()
            if await self._ask() != self._uid:
                self._good_until = 0.0
                raise ClusterChanged
            self._good_until = began + FRESH
