"""Processes that live and end together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import ports
from command.supervisor import StartError, Supervisor
from tests.kit.processes import wait_until, wait_until_ended

ROOT = Path(__file__).parents[2]
WAIT = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]

NESTED = """
import os, sys
from pathlib import Path
from command.supervisor import Supervisor
supervisor = Supervisor(Path(sys.argv[1]), os.environ)
supervisor.start("one", ["/bin/sh", "-c", "sleep 1000 & wait"])
supervisor.start("two", [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
print(*(child.pid for child in supervisor._children.values()), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path, os.environ)
    yield made
    made.stop()


def test_a_process_that_stays_is_ended_by_stop(supervisor: Supervisor) -> None:
    supervisor.start("one", WAIT)
    supervisor.wait_for("one", lambda: (supervisor.logs / "one.log").read_text() == "up\n", 10)
    pid = supervisor._children["one"].pid
    supervisor.stop()
    wait_until_ended([pid])


def test_processes_are_ended_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    lines = [
        "import os, signal, sys",
        f"os.chdir({str(tmp_path)!r})",
        "def end(*_):",
        "    open('order', 'a').write(sys.argv[1])",
        "    sys.exit()",
        "signal.signal(15, end)",
        "print('up', flush=True)",
        "signal.pause()",
    ]
    program = "\n".join(lines)
    for name in ("a", "b", "c"):
        supervisor.start(name, [sys.executable, "-c", program, name])
        wait_until((tmp_path / f"{name}.log").read_text)
    supervisor.stop()
    assert (tmp_path / "order").read_text() == "cba"


def test_a_process_that_fails_is_said_with_its_last_words(supervisor: Supervisor) -> None:
    with pytest.raises(StartError) as failure:
        supervisor.run("migrate", ["/bin/sh", "-c", "echo first; echo the cause >&2; exit 3"])
    assert str(failure.value) == f"migrate failed: the cause (see {supervisor.logs / 'migrate.log'})"


def test_a_process_that_ends_while_it_starts_is_said(supervisor: Supervisor) -> None:
    supervisor.start("api", ["/bin/sh", "-c", "echo no port"])
    with pytest.raises(StartError, match=r"^api ended while it was starting: no port"):
        supervisor.wait_for("api", lambda: False, 10)


def test_a_process_that_is_not_ready_in_time_is_said(supervisor: Supervisor) -> None:
    supervisor.start("api", WAIT)
    with pytest.raises(StartError, match=r"^api was not ready within 0 seconds"):
        supervisor.wait_for("api", lambda: False, 0)


def test_watching_ends_when_any_process_ends(supervisor: Supervisor) -> None:
    supervisor.start("stays", WAIT)
    supervisor.start("goes", ["/bin/sh", "-c", "echo bye"])
    with pytest.raises(StartError, match=r"^goes ended, so everything was stopped: bye"):
        supervisor.watch({})


def test_a_process_that_was_killed_is_said_with_the_signal(supervisor: Supervisor) -> None:
    supervisor.start("api", WAIT)
    supervisor._children["api"].kill()
    with pytest.raises(StartError) as failure:
        supervisor.watch({})
    assert str(failure.value) == (
        f"api was ended by SIGKILL, so everything was stopped; see {supervisor.logs / 'api.log'}."
    )


def test_when_the_supervisor_is_killed_its_processes_are_gone(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", NESTED, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout
    assert parent.stdin
    with parent.stdout, parent.stdin:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until_ended(pids)


def test_a_busy_port_is_said_with_the_way_out() -> None:
    port = ports.free("127.0.0.1")
    listen = f"import socket; server = socket.create_server(('127.0.0.1', {port})); print(flush=True); input()"
    server = subprocess.Popen(
        [sys.executable, "-c", listen],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout
    assert server.stdin
    with server.stdout, server.stdin:
        server.stdout.readline()
        with pytest.raises(StartError) as failure:
            ports.require_free("127.0.0.1", port, seconds=0)
        assert str(failure.value) == (
            f"Port {port} of 127.0.0.1 cannot be used (Address already in use); "
            f"choose another one: BERTH_PORT={port + 1} make demo"
        )
        server.kill()
        server.wait()
    ports.require_free("127.0.0.1", port)
