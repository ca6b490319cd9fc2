"""An installation whose parts may all be killed: it has PostgreSQL, Valkey and a cluster of its own."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from redis import Redis

from embedded import Postgres, Valkey
from models.migrate import migrate
from tests.kit.gate import alone
from tests.kit.installation import Installation
from tests.kit.session import Session
from tests.kit.settled import wait_until_settled
from tests.kit.simulated import Simulated
from tests.kit.truth import violations
from tests.machine.control import ask

HASTY = {
    "BERTH_LEASE": "1",
    "BERTH_LEASE_MARGIN": "0.3",
    "BERTH_WRITE_TIMEOUT": "0.6",
    "BERTH_SWEEP": "0.1",
    "BERTH_BREAKER_FIRST": "0.1",
    "BERTH_BREAKER_MOST": "0.5",
}
"""Workers are given up after a second, and clusters asked again soon."""

_STATE = "query($id: ID!) { node(id: $id) { ... on Cluster { state } } }"


class Site:
    """Runs while it is entered as a context manager. folder: for all that it keeps.

    kubeconfig: of a cluster to use; without one it has a simulated cluster of its own. durable: PostgreSQL may crash.
    """

    def __init__(
        self,
        folder: Path,
        kubeconfig: Path | None = None,
        settings: Mapping[str, str] = HASTY,
        *,
        durable: bool = False,
    ) -> None:
        self.postgres = Postgres(folder / "postgres", fast=not durable)
        self.valkey = Valkey(folder / "valkey", fast=True)
        self.simulated = Simulated(folder / "cluster") if kubeconfig is None else None
        self.kubeconfig = kubeconfig or folder / "cluster/kubeconfig"
        self.database_url = self.postgres.dsn()
        self.berth: Installation
        self.cluster = ""
        self.installation = ""
        self._folder = folder
        self._settings = settings
        self._workers = 1
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self.postgres.start()
        self._opened.callback(self.postgres.stop)
        asyncio.run(migrate(self.database_url))
        self.valkey.start()
        self._opened.callback(self.valkey.stop)
        if self.simulated is not None:
            self.simulated.start()
            self._opened.callback(self.simulated.kill)
        self.berth = self._opened.enter_context(
            Installation(self.database_url, self.valkey.url(), self._folder, self._settings)
        )
        self.cluster = self.berth.cluster("only", self.kubeconfig)
        session = Session(self.database_url)
        self.installation = str(session.rows("SELECT id FROM installation")[0]["id"])
        session.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def instance(self, name: str) -> dict[str, Any]:
        """The input of a new instance."""
        return {"name": name, "environmentId": self.berth.environment(), "clusterId": self.cluster}

    @contextmanager
    def cut_off(self, seconds: float) -> Iterator[None]:
        """The cluster's API server is killed, known to be back after so many seconds; a real one is the machine's."""
        with self._cut_off(seconds):
            yield
        deadline = time.monotonic() + 60
        while (state := self.berth.remote.ask(_STATE, id=self.cluster)["node"]["state"]) != "CONNECTED":
            assert time.monotonic() < deadline, state
            time.sleep(0.1)

    @contextmanager
    def _cut_off(self, seconds: float) -> Iterator[None]:
        if self.simulated is not None:
            self.simulated.kill()
            back = time.monotonic() + seconds
            yield
            time.sleep(max(0.0, back - time.monotonic()))
            self.simulated.start()
            return
        with alone(exclusive=True):
            restarting = threading.Thread(target=ask, args=(f"restart-api-server {seconds}",))
            restarting.start()
            yield
            restarting.join()
            wait_until_settled(self.kubeconfig)  # or the tests of others would meet controllers that are not back

    def empty_valkey(self) -> None:
        """Valkey forgets all."""
        with Redis.from_url(self.valkey.url()) as client:
            client.flushall()

    def another_worker(self) -> None:
        """Starts one more worker."""
        self._workers += 1
        self.berth.start(f"worker-{self._workers}")

    def kill_worker(self, pid: int) -> None:
        """Ends one of its workers at once."""
        names = [name for name, process in self.berth.processes.items() if process.pid == pid]
        self.berth.kill(names[0])

    def violations(self) -> list[str]:
        """What is not true that must be true when all is quiet."""
        return violations(self.berth, self.database_url, self.kubeconfig)
