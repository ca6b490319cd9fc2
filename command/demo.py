"""All of Berth on one machine: the servers, a simulated cluster, the API and the worker, and something to look at."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from command import ports
from command.cluster import current_kubeconfig, embedded_kubeconfig
from command.ending import give_up
from command.first import ClusterAccess, First
from command.owner import owned
from command.remote import Remote, RemoteError
from command.simulated import Simulated
from command.supervisor import StartError, Supervisor
from embedded import Postgres, ServerError, Valkey
from embedded.child import end_with_parent
from models.keyring import Keyring, KeyringError
from settings import settings

HOST = "127.0.0.1"
BERTH = (sys.executable, str(Path(__file__).parent.parent / "cli.py"))

T = TypeVar("T")


def demo(parent: int) -> None:
    """Start everything, print the way in, and stay until Ctrl-C, SIGTERM, or the end of one of the processes.

    Everything is kept in `var/`, so the next start goes on where this one ended. With KUBECONFIG set, that cluster is
    used instead of the simulated one, with data of its own.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell ignores SIGINT for what it starts with &
        signal.signal(number, _interrupt)
    if parent:
        end_with_parent(parent, signal.SIGTERM)
    try:
        with _only_one(settings().var.absolute()) as var:
            Demo(var).run()
    except (ServerError, StartError, RemoteError, KeyringError) as error:
        give_up(error)
    except PermissionError as error:
        give_up(f"{error.filename} belongs to another user: start as that user, or remove it.")
    except KeyboardInterrupt:
        print("Everything was stopped.")


class Demo:
    """One run of the demo in a folder."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.real = current_kubeconfig()
        self.data = var / ("kubernetes" if self.real else "simulated")
        self.url = f"http://{HOST}:{settings().port}"
        logs = self.data / "log"
        logs.mkdir(parents=True, exist_ok=True)
        self.postgres = Postgres(self.data / "postgres")
        self.valkey = Valkey(self.data / "valkey")
        self.simulated = Simulated(self.data / "simulator", HOST)
        self.supervisor = Supervisor(logs, os.environ)
        self.note = ""

    def run(self) -> None:
        """Start, print, watch; stop in every case."""
        ports.require_free(HOST, settings().port)
        try:
            self.start()
            self.supervisor.watch({self.postgres.folder: self.postgres.pid, self.valkey.folder: self.valkey.pid})
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            (self.var / "demo.json").unlink(missing_ok=True)
            self.supervisor.stop()
            self.valkey.stop()
            self.postgres.stop()

    def start(self) -> None:
        """Start one thing after another, and print each as it becomes ready."""
        print(f"Berth keeps what it needs in {self.data}")
        (self.var / "demo.json").unlink(missing_ok=True)  # it says that the demo is ready
        keyring = self.data / "keyring.json"
        if not keyring.exists():
            Keyring.create(keyring)
        self.supervisor.environment |= {
            "DATABASE_URL": settings().database_url or _step("PostgreSQL", self.postgres.start),
            "REDIS_URL": settings().redis_url or _step("Valkey", self.valkey.start),
            "BERTH_KEYRING": str(keyring),
            "BERTH_HOST": HOST,
            "BERTH_PORT": str(settings().port),
            "BERTH_ALLOW_PRIVATE_CLUSTERS": "true",
            "BERTH_DRAIN_SPREAD": "0",  # there is no other server that those who watch would come back to
        }
        if not self.real:
            _step("Simulated cluster", lambda: self.simulated.start(self.supervisor))
            self.supervisor.environment["BERTH_SIMULATOR"] = self.simulated.url
        _step("Database", lambda: self.supervisor.run("migrate", [*BERTH, "migrate"]))
        _step("API", self._start_api)
        _step("Worker", lambda: self.supervisor.start("worker", [*BERTH, "worker"]))
        token = _step("Catalogue and app", self._seed)
        self._write({"url": f"{self.url}/graphql", "token": token})
        self._tell(token)

    def _start_api(self) -> None:
        self.supervisor.start("api", [*BERTH, "api"])
        self.supervisor.wait_for("api", self._answers, 30)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _seed(self) -> str:
        if self.real:
            cluster = ClusterAccess("kubernetes", embedded_kubeconfig(self.real))
        else:
            cluster = ClusterAccess("simulated", self.simulated.kubeconfig(), "SIMULATOR")
        url, database_url = f"{self.url}/graphql", self.supervisor.environment["DATABASE_URL"]
        organization, token = owned(url, database_url, self._token(), "demo@berth.example", "demo")
        self.note = First(organization, cluster, app="shop").make(Remote(url, token))
        return token

    def _token(self) -> str:
        try:
            return str(json.loads((self.data / "token.json").read_text())["token"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _write(self, document: dict[str, str]) -> None:
        """Write `demo.json`, readable by its owner alone; kept beside the data too, because the token is theirs."""
        for path in (self.data / "token.json", self.var / "demo.json"):
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(document, file, indent=2)
                file.write("\n")
            fresh.rename(path)

    def _tell(self, token: str) -> None:
        if self.note:
            print(f"  {self.note}")
        print(
            f"\nGraphiQL, with a token and three operations ready to run:\n\n  {self.url}/graphql#token={token}\n\n"
            "  CreateInstance   makes the instance `dev` of the app `shop`\n"
            "  FollowTask       shows each step of that work as it starts, gets on and ends\n"
            "  FollowLogs       shows the log of one of its services, live\n\n"
            f"API: {self.url}/graphql    For scripts: {self.var / 'demo.json'}    Ctrl-C ends everything.",
            flush=True,
        )


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _step(name: str, start: Callable[[], T]) -> T:
    """Start one thing and print how long it took."""
    print(f"  {name} ".ljust(24, "."), end=" ", flush=True)
    began = time.monotonic()
    try:
        result = start()
    except BaseException:
        print("not ready", flush=True)
        raise
    print(f"ready ({time.monotonic() - began:.1f} s)", flush=True)
    return result


@contextmanager
def _only_one(var: Path) -> Iterator[Path]:
    """Hold the folder for this run.

    Raises:
        StartError: another demo runs in it, or it cannot be written.
    """
    try:
        var.mkdir(parents=True, exist_ok=True)
        lock = (var / "demo.lock").open("w")
    except OSError as error:
        raise StartError(f"{var} cannot be written: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"A demo runs in {var} already; end that one first.") from None
        yield var
