"""Takes tasks by leases, renews them, carries them out and ends them: what a worker process does all day."""

import asyncio
import random
import secrets
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from os import getpid
from time import monotonic

import structlog

from jobs import taking
from jobs.ending import end, ready_after
from jobs.forget import forget
from jobs.graph import BackedOff, Graph
from jobs.kinds import Ending, Kind
from models import Task
from models.database import listen
from models.lease import Lease, LeaseLost
from models.postgres import AWAY, unbroken
from rules.enums import TaskState
from settings import settings

log = structlog.get_logger(__name__)

CANCEL_CHANNEL = "berth_cancel"
_GATHER = 0.05
"""Seconds for which freed places are gathered before one sweep fills them."""

_SPREAD = 1.0
"""Seconds over which tasks that wait for the same cluster come back."""

_FORGET = 3600.0

CANCELED = Ending(
    TaskState.CANCELED,
    {
        "code": "CANCELED",
        "summary": "It was cancelled.",
        "rootCause": "",
        "step": "",
        "evidence": [],
        "suggestedActions": [],
        "service": "",
        "wentBack": [],
    },
)


class Stop(StrEnum):
    """Why a running task was stopped from outside."""

    CANCELED = "CANCELED"
    LEASE_LOST = "LEASE_LOST"
    SHUT_DOWN = "SHUT_DOWN"


@dataclass(slots=True)
class _Held:
    lease: Lease
    cluster_id: str | None
    work: asyncio.Task[None]
    stop: Stop | None = None

    def end(self, why: Stop) -> None:
        if self.stop is None:
            self.stop = why
            self.work.cancel()


class Runner:
    """The tasks that this process holds. `open` starts the loops, `close` hands everything over to other workers."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._held: dict[str, _Held] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._closing = False
        self._refused = False
        self._room = asyncio.Event()
        self._taking = asyncio.Lock()
        self.name = f"{socket.gethostname()}:{getpid()}"

    @property
    def running(self) -> list[str]:
        """The ids of the tasks that this process holds."""
        return list(self._held)

    async def open(self, database_url: str) -> None:
        """Starts renewing, sweeping and listening for cancellations."""
        loops = (
            self._renew_always(),
            self._sweep_always(),
            self._forget_always(),
            self._listen_always(database_url),
        )
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Stops taking tasks, stops the running ones where they stand and gives their leases back."""
        self._closing = True
        for held in list(self._held.values()):
            held.end(Stop.SHUT_DOWN)
        await asyncio.gather(*(held.work for held in list(self._held.values())), return_exceptions=True)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def idle(self) -> None:
        """Waits until nothing that this process holds is running."""
        while self._held:
            await asyncio.gather(*(held.work for held in list(self._held.values())), return_exceptions=True)

    async def take(self, task_id: str) -> bool:
        """Takes a task when it may run now and there is room for it; says whether it did."""
        async with self._taking:  # two at once would take the same last place
            if self._closing or task_id in self._held:
                return False
            if len(self._held) >= settings().worker_tasks:
                self._refused = True
                return False
            held, most = self._held_by_cluster(), _most_of_one_cluster()
            full = [cluster_id for cluster_id, count in held.items() if count >= most]
            self._refused = self._refused or bool(full)
            lease = Lease(secrets.token_hex(16), monotonic() + settings().lease)
            taken = await taking.take(task_id, lease, self.name, full)
            if taken is None:
                return False
            self._held[task_id] = _Held(lease, *taken, asyncio.create_task(self._carry_out(task_id, lease)))
            return True

    async def sweep(self) -> int:
        """Takes what is ready and was not rung for, or was left by a worker that died; returns how many."""
        room = settings().worker_tasks - len(self._held)
        if room <= 0 or self._closing:
            self._refused = True
            return 0
        ready = await taking.ready(room, _most_of_one_cluster(), self._held_by_cluster())
        return sum([await self.take(task_id) for task_id in ready])

    def _held_by_cluster(self) -> Counter[str]:
        return Counter(one.cluster_id for one in self._held.values() if one.cluster_id is not None)

    async def _carry_out(self, task_id: str, lease: Lease) -> None:
        with structlog.contextvars.bound_contextvars(task=task_id):
            try:
                task = await Task.get(id=task_id)
                ending = await self._ending(task, lease)
                if ending is not None:
                    await unbroken(end(task, self._kinds[task.kind], lease, ending))
                    self._held.pop(task_id, None)
                    await self._next(task)
            except LeaseLost as lost:
                log.warning("the lease was lost", problem=str(lost))
            except asyncio.CancelledError:
                log.info("the task was stopped while it ended")
            except AWAY:
                log.warning("the database went away; the task is set down until it is back", exc_info=True)
                await _kept_up("the lease could not be given back; it will run out", partial(taking.set_down, lease))
            except Exception:
                log.exception("the task could not be ended here; it will be taken over")
            finally:
                self._held.pop(task_id, None)
                if self._refused:
                    self._refused = False
                    self._room.set()

    async def _ending(self, task: Task, lease: Lease) -> Ending | None:
        """How the task ended; None when it goes on elsewhere."""
        kind = self._kinds.get(task.kind)
        if kind is None:
            raise LeaseLost(f"this worker does not know tasks of the kind {task.kind}")
        if task.cancel_requested_at is not None:
            return CANCELED
        ending: Ending | None = None
        waits: float | None = None
        try:
            ending = await Graph(task, kind, lease).run()
        except BackedOff as silent:
            waits = silent.seconds + random.uniform(0, _SPREAD)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            while me is not None and me.cancelling():
                me.uncancel()  # or every later time limit in this task would take the old request for its own
            log.info("the task was stopped")
        stop = self._held[task.id].stop
        if stop is Stop.CANCELED:
            return CANCELED
        if stop is Stop.SHUT_DOWN or waits is not None:
            await taking.set_down(lease, waits or 0.0)
            return None
        return None if stop is Stop.LEASE_LOST else ending

    async def _next(self, task: Task) -> None:
        async def take_ready() -> None:
            for task_id in await ready_after(task):
                await self.take(task_id)

        await _kept_up("the next task could not be looked for; the sweep will", take_ready)

    async def renew(self) -> None:
        """Renews every lease held; stops the tasks whose lease is another's and those that are to be cancelled."""
        before = monotonic()
        held = dict(self._held)
        if held:
            async with asyncio.timeout(settings().lease / 3):
                kept = await taking.renew([one.lease for one in held.values()])
            for task_id, one in held.items():
                if task_id not in kept:
                    one.end(Stop.LEASE_LOST)
                    continue
                if kept[task_id].renewed:
                    one.lease.until = before + settings().lease
                if kept[task_id].canceled:
                    one.end(Stop.CANCELED)

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(settings().lease / 3)
            await _kept_up("leases could not be renewed", self.renew)
            for one in list(self._held.values()):
                if one.lease.left() <= 0:
                    one.end(Stop.LEASE_LOST)

    async def _sweep_always(self) -> None:
        while True:
            await _kept_up("the sweep could not look for tasks", self.sweep)
            await self._pause()

    async def _pause(self) -> None:
        """Until the next sweep is due, or there is room again for what had to be left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(settings().sweep):
                await self._room.wait()
                await asyncio.sleep(_GATHER)
        self._room.clear()

    async def _forget_always(self) -> None:
        while True:
            await asyncio.sleep(_FORGET)
            await _kept_up("what is too old could not be deleted", forget)

    async def _listen_always(self, database_url: str) -> None:
        async for notification in listen(database_url, [CANCEL_CHANNEL]):
            if notification.payload in self._held:
                self._held[notification.payload].end(Stop.CANCELED)


def _most_of_one_cluster() -> int:
    """How many tasks of one cluster this worker runs at once: a cluster that is slow leaves room for the others."""
    return max(1, int(settings().worker_tasks * settings().worker_cluster_share))


async def _kept_up(failed: str, work: Callable[[], Awaitable[object]]) -> None:
    """Does one round of a loop that must never end: whatever goes wrong is logged, and the next round tries again."""
    try:
        await work()
    except Exception:
        log.warning(failed, exc_info=True)
