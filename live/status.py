"""Writes down how clusters and app services are: one writer for each cluster, whichever worker it lives in.

Who writes holds a PostgreSQL advisory lock of its session, and everything is written on that same session: a worker
that has lost its lock has lost its pen with it.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
import structlog

from live.breaker import Standing
from live.cluster_state import State
from live.cluster_watch import ClusterWatch
from live.observed import Key
from live.process import Process
from live.status_sql import CLUSTERS, EXPECTED, FREE, LOCK, STATES, STATUSES, SYNCED, TOUCH
from rules.enums import ClusterState
from settings import settings

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

log = structlog.get_logger(__name__)

_AGAIN = 1.0
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
# A statement waits for a row no longer than this: what could not be written now is written a moment later.
_SESSION = {"application_name": "berth status", "lock_timeout": "2000", "statement_timeout": "30000"}


class StatusWriter:
    """The part of a worker that watches clusters. `open` starts it, `close` leaves the clusters to other workers."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._watches: dict[str, ClusterWatch] = {}
        self._written: dict[str, tuple[State, Standing]] = {}
        self._expecting: set[str] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self, database_url: str) -> None:
        self._task = asyncio.create_task(self._run(database_url))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, database_url: str) -> None:
        while True:
            with suppress(*_LOST):
                connection = await asyncpg.connect(database_url, timeout=10, server_settings=_SESSION)
                try:
                    await self._write(connection)
                except _LOST as problem:
                    log.warning("the status writer lost its session", problem=str(problem))
                finally:
                    connection.terminate()
                    await self._leave(self._watches)
            await asyncio.sleep(_AGAIN)

    async def _write(self, connection: Connection) -> None:
        """Looks, writes and touches, each when its time has come, until the session is lost."""
        look, touch = _Due(lambda: settings().status_look), _Due(lambda: settings().status_touch)
        while True:
            if look.now():
                await self._look(connection)
            self._changed.clear()
            try:
                await self._put_states(connection)
                await self._put_statuses(connection)
                if touch.now():
                    self._written.clear()  # so that a state that something else wrote is put right
                    well = [watch.cluster_id for watch in self._well()]
                    await connection.execute(SYNCED, well)
                    await connection.execute(TOUCH, well)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as problem:
                log.info("statuses are written a little later", problem=str(problem))
            await asyncio.sleep(settings().status_flush)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(look.left(), touch.left()))):
                    await self._changed.wait()

    async def _look(self, connection: Connection) -> None:
        """Takes the clusters that nobody watches, and lets go of those that were removed or are reached another way."""
        rows = {row["id"]: (row["uid"], row["version"], row["used"]) for row in await connection.fetch(CLUSTERS)}
        other = [id for id, watch in self._watches.items() if rows.get(id) != watch.seen_as]
        await self._leave(other)
        await connection.execute(FREE, other)
        taken = await connection.fetch(LOCK, [id for id in rows if id not in self._watches])
        for row in taken:
            id = row["id"]
            self._watches[id] = ClusterWatch(self._process, id, *rows[id], self._changed.set)
            self._watches[id].open()
            self._expecting.add(id)

    async def _leave(self, clusters: Iterable[str]) -> None:
        leaving = [self._watches.pop(id) for id in list(clusters)]
        for watch in leaving:
            self._written.pop(watch.cluster_id, None)
            self._expecting.discard(watch.cluster_id)
        await asyncio.gather(*(watch.close() for watch in leaving))

    def _well(self) -> list[ClusterWatch]:
        return [watch for watch in self._watches.values() if watch.state.state is ClusterState.CONNECTED]

    async def _put_states(self, connection: Connection) -> None:
        found = {id: (watch.state, self._process.clusters.standing(id)) for id, watch in self._watches.items()}
        changed = {id: pair for id, pair in found.items() if pair != self._written.get(id)}
        if changed:
            given = [_columns(id, *pair) for id, pair in changed.items()]
            written = await connection.fetch(STATES, orjson.dumps(given).decode())
            self._written.update({row["id"]: changed[row["id"]] for row in written})
            if len(written) < len(changed):
                self._changed.set()

    async def _put_statuses(self, connection: Connection) -> None:
        well = self._well()
        await self._expect(connection, [watch for watch in well if watch.cluster_id in self._expecting])
        taken = {(watch.cluster_id, *key): seen for watch in well for key, seen in watch.observed.take().items()}
        if not taken:
            return
        names = ("cluster", "namespace", "instance", "service", "ready", "desired", "reason")
        given = [
            dict(zip(names, (*key, seen.ready, seen.desired, seen.reason), strict=True)) for key, seen in taken.items()
        ]
        try:
            busy = orjson.loads(await connection.fetchval(STATUSES, orjson.dumps(given).decode()))
        except asyncpg.PostgresError:
            self._again(taken)
            raise
        self._again((item["cluster"], item["namespace"], item["instance"], item["service"]) for item in busy)

    def _again(self, keys: Iterable[tuple[str, str, str, str]]) -> None:
        for cluster_id, *key in keys:
            self._watches[cluster_id].observed.again([_key(key)])
            self._changed.set()

    async def _expect(self, connection: Connection, watches: list[ClusterWatch]) -> None:
        """Has the app services looked at of which the table says that something runs: it may have gone unseen."""
        if not watches:
            return
        by_id = {watch.cluster_id: watch for watch in watches}
        for row in await connection.fetch(EXPECTED, list(by_id)):
            by_id[row["cluster_id"]].observed.expect([(row["namespace"], row["instance_id"], row["name"])])
        await connection.execute(TOUCH, list(by_id))
        self._expecting.difference_update(by_id)


def _columns(id: str, state: State, breaker: Standing) -> dict[str, Any]:
    return {
        "id": id,
        "state": state.state,
        "reason": state.reason,
        "breaker": breaker.state,
        "breaker_reason": breaker.reason,
        "breaker_since": breaker.since,
        "breaker_next_try": breaker.next_try,
    }


def _key(parts: list[Any]) -> Key:
    namespace, instance, service = parts
    return namespace, instance, service


class _Due:
    """Something that is done at once and then every so many seconds."""

    def __init__(self, every: Callable[[], float]) -> None:
        self._every = every
        self._at = 0.0

    def left(self) -> float:
        return self._at - monotonic()

    def now(self) -> bool:
        """Whether it is time; then the next time is counted from here."""
        if self.left() > 0:
            return False
        self._at = monotonic() + self._every()
        return True
