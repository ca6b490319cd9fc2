"""One simulated cluster, put together: in a test's own process, or served by `python -m simulator`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import WSCloseCode, web

from simulator import control
from simulator.behaviour import Behaviours
from simulator.clock import Clock, DrivenClock
from simulator.cluster import Cluster
from simulator.controllers.claims import Claims, Quotas
from simulator.controllers.deployments import Deployments
from simulator.controllers.garbage import Garbage
from simulator.controllers.jobs import DaemonSets, Jobs
from simulator.controllers.loop import Controller, Loop
from simulator.controllers.namespaces import Namespaces
from simulator.controllers.pods import NODE, NODE_IP, Kubelet
from simulator.controllers.replicas import ReplicaSets
from simulator.controllers.statefulsets import StatefulSets
from simulator.controllers.tokens import Tokens
from simulator.events import Recorder
from simulator.faults import Fault
from simulator.journal import Journal
from simulator.kinds import NAMESPACES, NODES, STORAGE_CLASSES, Object
from simulator.server import Server
from simulator.state import Speeds, State
from simulator.store import Store

NAMES = ("default", "kube-node-lease", "kube-public", "kube-system")


class Simulator:
    """A cluster that listens on HTTP while it is entered as an asynchronous context manager.

    `url` is where; `token` (empty for none) is the bearer token; with `driven` time stands still but for `advance`;
    `data` is a folder for its journal, without which it forgets everything at its end.
    """

    def __init__(
        self,
        token: str = "",
        *,
        driven: bool = False,
        speeds: Speeds | None = None,
        data: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clock: Clock = DrivenClock() if driven else Clock()
        self.journal = Journal(data) if data else None
        self.store = Store(self.journal)
        self.cluster = Cluster(self.store, self.clock)
        self.state = State(self.clock, self.store, self.cluster, token, speeds or Speeds())
        self.token, self._host, self._port = token, host, port
        self.url = ""
        self._loop = Loop(self.state)
        self._recorder = Recorder(self.cluster)
        self._garbage = Garbage(self._loop)
        self._loop.controllers = self._controllers()
        self.state.changed = self._loop.resume
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _controllers(self) -> list[Controller]:
        loop, recorder = self._loop, self._recorder
        return [
            Namespaces(loop), self._garbage, Deployments(loop, recorder), ReplicaSets(loop, recorder),
            StatefulSets(loop, recorder), DaemonSets(loop, recorder), Jobs(loop, recorder), Claims(loop, recorder),
            Quotas(loop), Tokens(loop), Kubelet(loop, recorder),
        ]  # fmt: skip

    async def __aenter__(self) -> Self:
        if self.journal:
            self.journal.load(self.store)
        self._recorder.load()
        self._found()
        self._garbage.load()
        self._loop.resume()
        app = web.Application(client_max_size=3 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", Server(self.state).handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}"
        self._tasks = [asyncio.create_task(self._loop.run())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.state.closing = True
        self.state.wake()
        for socket in list(self.state.sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()
        if self.journal:
            self.journal.close()

    def _found(self) -> None:
        """Makes what every cluster has."""
        for name in NAMES:
            if self.store.get(NAMESPACES, "", name) is None:
                self.cluster.create(NAMESPACES, "", {"metadata": {"name": name}})
        if self.store.get(NODES, "", NODE) is None:
            self.cluster.create(NODES, "", _node())
        if self.store.get(STORAGE_CLASSES, "", "standard") is None:
            default = {"storageclass.kubernetes.io/is-default-class": "true"}
            self.cluster.create(STORAGE_CLASSES, "", {
                "metadata": {"name": "standard", "annotations": default}, "provisioner": "simulator/disk",
                "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": True,
            })  # fmt: skip

    async def advance(self, seconds: float) -> None:
        """Moves driven time on; everything that is due on the way has happened when this returns."""
        if not isinstance(self.clock, DrivenClock):
            raise TypeError("only a driven clock can be advanced")
        settle: Callable[[], None] = self._loop.settle
        await self.clock.advance(seconds, settle)

    def fault(self, fault: str, **options: Any) -> Fault:
        """Switches a fault on; see `faults.Fault`."""
        made = self.state.faults.add(fault=fault, **options)
        self.state.wake()
        return made

    def clear_faults(self) -> None:
        """Switches every fault off."""
        self.state.faults.clear()
        self.state.wake()

    def behave(self, image: str = "*", namespace: str = "*", **options: Any) -> None:
        """Adds a rule of behaviour, which running containers follow at once; see `behaviour.Behaviour`."""
        self.state.behaviours.add(image, namespace, **options)
        self.state.changed()

    @property
    def behaviours(self) -> Behaviours:
        return self.state.behaviours

    def cut(self, end: str = "abort", path: str = "*") -> None:
        """Ends the open streams of a path: `abort`, `clean` or `expired`."""
        self.state.cut(end, path)

    def rotate(self, path: str = "*") -> None:
        """Begins a new file for the logs of a path: their lines so far are lost to who asks from now on."""
        self.state.rotate(path)

    def reread(self, path: str = "*") -> None:
        """Has the open logs of a path tell their lines once more from the first."""
        self.state.reread(path)

    def compact(self) -> None:
        """Makes every version so far too old to watch from."""
        control.compact(self.state)

    def become_another(self) -> str:
        """Answers as another cluster from now on: kube-system has a new UID, which is returned."""
        return control.become_another(self.state)


def _node() -> Object:
    resources = {"cpu": "64", "memory": "256Gi", "pods": "4096", "ephemeral-storage": "1Ti"}
    return {
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
        "spec": {},
        "status": {
            "capacity": resources, "allocatable": resources,
            "addresses": [{"type": "InternalIP", "address": NODE_IP}, {"type": "Hostname", "address": NODE}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"kubeletVersion": "v1.34.0", "operatingSystem": "linux", "architecture": "amd64"},
        },
    }  # fmt: skip
