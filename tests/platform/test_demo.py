"""`make demo` starts everything, finds it again, and leaves nothing behind, however it is ended."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from command.ports import free, require_free
from tests.kit.processes import family, wait_until, wait_until_ended

ROOT = Path(__file__).parents[2]
SEEN = """query {
  viewer { organizations { nodes { name } } }
  stacks { nodes { name latestRevision { number } } }
  clusters { nodes { name state } }
  environments { nodes { name } }
  apps { nodes { name } }
  instances { nodes { name state cluster { name } services { name state } } }
}"""


class Demo:
    """A demo in a folder, as a process of this test."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = free("127.0.0.1")
        self.environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        self.environment |= {"BERTH_VAR": str(var), "BERTH_PORT": str(self.port)}
        self.process: subprocess.Popen[str] | None = None

    def start(self, *program: str) -> subprocess.Popen[str]:
        with suppress(OSError):
            (self.var / "demo.json").unlink()
        self.process = subprocess.Popen(
            program or (sys.executable, "cli.py", "demo"), cwd=ROOT, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return self.process

    def until_ready(self) -> list[int]:
        """Wait until it says where it is; returns all of its processes."""
        assert self.process
        process = self.process
        wait_until(lambda: (self.var / "demo.json").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        return family(process.pid)

    def ended(self) -> str:
        """Wait for its end; returns what it printed."""
        assert self.process
        return self.process.communicate(timeout=30)[0]

    @property
    def known(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.var / "demo.json").read_text())
        return found

    def settled(self) -> Any:
        """What the API shows once the worker watches the cluster."""
        wait_until(lambda: [one["state"] for one in self.ask()["clusters"]["nodes"]] == ["CONNECTED"])
        return self.ask()

    def ask(self) -> Any:
        headers = {"Authorization": f"Bearer {self.known['token']}"}
        answer = httpx.post(self.known["url"], json={"query": SEEN}, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "var")
    yield made
    if made.process:
        if made.process.poll() is None:
            made.process.kill()
        made.process.communicate()


def test_everything_is_there_once_however_often_it_is_started_and_ended(demo: Demo) -> None:
    demo.start()
    pids = demo.until_ready()
    assert demo.known["url"] == f"http://127.0.0.1:{demo.port}/graphql"
    assert (demo.var / "demo.json").stat().st_mode & 0o777 == 0o600
    first, token = demo.settled(), demo.known["token"]
    assert [one["name"] for one in first["apps"]["nodes"]] == ["shop"]
    assert [one["name"] for one in first["clusters"]["nodes"]] == ["simulated"]
    (instance,) = first["instances"]["nodes"]
    assert (instance["name"], instance["state"]) == ("main", "OK")
    assert {service["state"] for service in instance["services"]} == {"OK"}

    os.kill(pids[0], signal.SIGKILL)
    demo.ended()
    wait_until_ended(pids)

    demo.start()
    pids = demo.until_ready()
    assert (demo.settled(), demo.known["token"]) == (first, token)
    os.kill(pids[0], signal.SIGINT)
    printed = demo.ended()
    assert printed.endswith("Everything was stopped.\n")
    assert not (demo.var / "demo.json").exists()
    assert f"http://127.0.0.1:{demo.port}/graphql#token={token}" in printed
    wait_until_ended(pids)
    require_free("127.0.0.1", demo.port)


@pytest.mark.parametrize("log", ["simulator.log", "api.log", "worker.log"])
def test_it_ends_when_it_is_interrupted_while_it_starts(demo: Demo, log: str) -> None:
    process = demo.start()
    wait_until(lambda: (demo.var / "simulated" / "log" / log).exists())
    pids = family(process.pid)
    assert len(pids) > 3
    os.kill(process.pid, signal.SIGINT)
    assert demo.ended().endswith("Everything was stopped.\n")
    wait_until_ended(pids)


def test_it_ends_when_make_is_killed(demo: Demo) -> None:
    # The shell stands for make: it waits for the demo, and is its parent.
    demo.start("/bin/sh", "-c", f"{sys.executable} cli.py demo --parent $$; true")
    wait_until(lambda: (demo.var / "simulated" / "log" / "api.log").exists())
    assert demo.process
    pids = family(demo.process.pid)
    assert len(pids) > 5
    demo.process.kill()
    wait_until_ended(pids)


def test_a_busy_port_is_one_sentence(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.port)):
        demo.start()
        assert demo.ended() == (
            f"Port {demo.port} of 127.0.0.1 cannot be used (Address already in use); "
            f"choose another one: BERTH_PORT={demo.port + 1} make demo\n"
        )
    assert demo.process
    assert demo.process.returncode == 1


def test_an_old_data_folder_is_one_sentence(demo: Demo) -> None:
    data = demo.var / "simulated" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    demo.start()
    assert (
        demo.ended()
        .splitlines()[-1]
        .endswith(
            f"{data} was made by PostgreSQL 14, and this is PostgreSQL 18: "
            "move the folder away to start afresh, or dump it with version 14 first."
        )
    )


def test_a_second_demo_in_the_same_folder_is_refused(demo: Demo) -> None:
    demo.var.mkdir()
    with (demo.var / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        demo.start()
        assert demo.ended() == f"A demo runs in {demo.var} already; end that one first.\n"


def test_a_folder_that_cannot_be_made_is_one_sentence(demo: Demo) -> None:
    demo.var.write_text("a file")
    demo.start()
    assert demo.ended() == f"{demo.var} cannot be written: File exists.\n"
