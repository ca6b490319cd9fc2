"""A whole installation in processes of its own, as an operator runs it: an API and workers, asked over HTTP."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from catalogue import own
from command.cluster import embedded_kubeconfig
from command.first import import_files
from command.owner import owned
from command.ports import free
from command.remote import Remote
from embedded.server import end_child, start_child
from models.keyring import Keyring

ROOT = Path(__file__).parents[2]
_TERM = signal.SIGTERM
_TASK = """query($id: ID!) { node(id: $id) { ... on Task {
  state attempt endedAt warnings failure { code summary rootCause step evidence suggestedActions wentBack }
} } }"""


class Installation:
    """Runs while it is entered as a context manager. folder: for its keyring and logs. settings: other than usual.

    `processes` has them by names: "api" and "worker", and more of both, which are called "api-2" and so on.
    """

    def __init__(
        self, database_url: str, redis_url: str, folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free('127.0.0.1')}"
        self.remote: Remote
        self.organization = ""
        self._database_url = database_url
        self._environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BERTH_KEYRING": str(folder / "keyring.json"),
            "BERTH_ALLOW_PRIVATE_CLUSTERS": "true",
            **(settings or {}),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._urls = {"api": self.url}

    def __enter__(self) -> Self:
        Keyring.create(self.folder / "keyring.json")
        self.start("worker")
        self.start("api")
        self.until_ready()
        where = f"{self.url}/graphql"
        self.organization, token = owned(where, self._database_url, "", "owner@example.org", "main")
        self.remote = Remote(where, token)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            end_child(process, [(_TERM, 10)])

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Starts an API or a worker, which its name begins with; it may have run and ended before."""
        what = name.partition("-")[0]
        port = {"BERTH_PORT": self.url_of(name).rpartition(":")[2]} if what == "api" else {}
        with (self.folder / f"{name}.log").open("ab") as log:
            program = [sys.executable, "cli.py", what]
            process = start_child(program, log=log.fileno(), folder=ROOT, environment=self._environment | port)
        self.processes[name] = process
        return process

    def url_of(self, name: str) -> str:
        """Where an API listens, or will."""
        if name not in self._urls:
            self._urls[name] = f"http://127.0.0.1:{free('127.0.0.1')}"
        return self._urls[name]

    def kill(self, name: str) -> None:
        """Ends a process at once (SIGKILL), and forgets it."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def catalogue(self, *more: tuple[str, str]) -> dict[str, str]:
        """Imports Berth's own catalogue and more files, and publishes every stack; their ids by name."""
        files = [(one.file, one.text) for one in own.documents()]
        stacks = import_files(self.remote, self.organization, [*files, *more])
        for stack in stacks.values():
            if stack["draft"]:
                self.remote.change("publishStack", {"id": stack["id"]}, "stack { id }")
        return {name: str(stack["id"]) for name, stack in stacks.items()}

    def cluster(self, name: str, kubeconfig: Path) -> str:
        """Registers a cluster; its id."""
        given = {"organizationId": self.organization, "name": name, "kubeconfig": embedded_kubeconfig(kubeconfig)}
        return str(self.remote.change("registerCluster", given, "cluster { id }")["cluster"]["id"])

    def environment(self, name: str = "dev") -> str:
        """The id of one of the environments that an organization begins with."""
        seen = self.remote.ask(
            "query($of: String!, $name: String!) { environment(name: $name, organization: $of) { id } }",
            of=self.organization,
            name=name,
        )
        return str(seen["environment"]["id"])

    def app(self, name: str, stack: str, instance: dict[str, Any]) -> dict[str, Any]:
        """Creates an app with its first instance: {"app": id, "instance": id, "task": id}."""
        given = {"organizationId": self.organization, "stackId": stack, "name": name, "instance": instance}
        made = self.remote.change("createApp", given, "app { id } instance { id } task { id }")
        return {part: made[part]["id"] for part in ("app", "instance", "task")}

    def change(self, mutation: str, given: dict[str, Any]) -> str:
        """A mutation that starts a task; the task's id."""
        return str(self.remote.change(mutation, given, "task { id }")["task"]["id"])

    def ended(self, task: str, seconds: float = 90) -> dict[str, Any]:
        """The task when it has ended. Fails after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            found: dict[str, Any] = self.remote.ask(_TASK, id=task)["node"]
            if found["endedAt"]:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def shown(self, id: str, selection: str) -> Any:
        """What an instance shows; None when it is gone."""
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on Instance {{ {selection} }} }} }}"
        return self.remote.ask(document, id=id)["node"]

    def until_ready(self, name: str = "api") -> None:
        """Waits until an API says that it can answer."""
        deadline = time.monotonic() + 30
        while not _ready(self.url_of(name)):
            assert self.processes[name].poll() is None, (self.folder / f"{name}.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
