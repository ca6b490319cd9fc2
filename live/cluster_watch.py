"""One cluster kept in view: its workloads and pods by watches, and by a probe whether it is still there, and itself."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

import structlog
from tortoise.exceptions import BaseORMException

from kube.clients import Cluster as Client
from kube.errors import ClusterChanged, KubeError, Unreachable
from kube.labels import MANAGED
from kube.resources import POD, WORKLOADS, Resource
from kube.watch import follow
from live import abandoned
from live.cluster_state import State, state_of
from live.observed import Observed
from live.process import Process
from models.keyring import KeyringError
from rules.enums import ClusterState
from settings import settings

log = structlog.get_logger(__name__)

_ANSWERS_WITHIN = 10.0
_AWAY = 2.0
"""Seconds between probes of a cluster that does not answer: the first that succeeds ends every pause of its watches."""


class ClusterWatch:
    """Open from `open` to `close`. changed: called whenever there may be something to write down.

    used: whether instances live on it; the others are probed only.
    """

    def __init__(
        self, process: Process, cluster_id: str, uid: str, version: int, used: bool, changed: Callable[[], None]
    ) -> None:
        self.cluster_id = cluster_id
        self.seen_as = (uid, version, used)
        self.observed = Observed()
        self._process = process
        self._changed = changed
        self._reached: State | None = None
        self._doubted = asyncio.Event()
        self._strange = False
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """What holds of the cluster now."""
        if self._reached is None:
            return State(ClusterState.SYNCING)
        if self._reached.state is not ClusterState.CONNECTED:
            return self._reached
        if self.observed.troubles:
            return state_of(next(iter(self.observed.troubles.values())))
        used = self.seen_as[2]
        return State(ClusterState.SYNCING) if used and not self.observed.synced else self._reached

    def open(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                client = await self._process.clusters.of(self.cluster_id)
                await self._watch(client)
            except (KubeError, KeyringError) as problem:
                self._reach(state_of(problem))
            except (BaseORMException, OSError, RuntimeError) as problem:  # RuntimeError: the client was closed
                log.warning("a cluster's watch starts anew", cluster=self.cluster_id, problem=str(problem))
            await asyncio.sleep(_AWAY)

    async def _watch(self, client: Client) -> None:
        """Runs until one of its parts fails, or the cluster is itself again after it was another one."""
        self.observed.anew()
        self._strange = False
        parts = [self._probe(client), self._abandoned(client)]
        if self.seen_as[2]:
            parts += [self._follow(client, resource) for resource in (*WORKLOADS, POD)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, client: Client, resource: Resource) -> None:
        async with aclosing(follow(client, resource, labels=MANAGED)) as changes:
            async for change in changes:
                self.observed.note(resource.kind, change)
                if isinstance(change.error, Unreachable):
                    self._doubted.set()
                self._changed()

    async def _probe(self, client: Client) -> None:
        """Looks again and again; ends when what the watches told may be another cluster's."""
        while True:
            doubted = self._doubted.is_set()
            self._doubted.clear()
            state = await self._look(client)
            well = state.state is ClusterState.CONNECTED
            if well and (doubted or self._reached != state):
                client.pace.well()
            self._reach(state)
            if well and self._strange:
                return
            if well:
                await _until(self._doubted, settings().cluster_probe)
            if not well or self._doubted.is_set():
                await asyncio.sleep(_AWAY)

    async def _look(self, client: Client) -> State:
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                await client.verify()
        except KubeError as problem:
            self._strange |= isinstance(problem, ClusterChanged)
            return state_of(problem)
        except TimeoutError:
            return State(ClusterState.UNREACHABLE, f"It did not answer within {_ANSWERS_WITHIN:g} seconds.")
        return State(ClusterState.CONNECTED)

    def _reach(self, state: State) -> None:
        if state != self._reached:
            self._reached = state
            self._changed()

    async def _abandoned(self, client: Client) -> None:
        while True:
            if self._reached == State(ClusterState.CONNECTED):
                try:
                    await abandoned.sweep(client, self.cluster_id, self.seen_as[0], self._process.installation)
                except (KubeError, BaseORMException, OSError) as problem:
                    log.info("abandoned namespaces could not be looked at", problem=str(problem))
                await asyncio.sleep(settings().abandoned_check)
            else:
                await asyncio.sleep(_AWAY)


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Waits for the event, but no longer than so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
