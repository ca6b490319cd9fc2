"""What tests ask the machine for while they run: its parts killed, stopped and started again.

A line on a unix socket, answered by "ok" or a sentence: `restart-api-server [SECONDS AWAY]`, `kill-kubelet`,
`start-kubelet`, `restart-kubelet`, `import FILE`.
"""

import os
import select
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.machine.machine import Machine


def ask(line: str) -> None:
    """Asks the machine that this process runs beside, and waits until it has done it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["BERTH_TEST_MACHINE"])
        connection.sendall(f"{line}\n".encode())
        answer = connection.makefile().readline().strip()
    assert answer == "ok", answer


class Control:
    """Serves the socket from the thread that started the machine: its children end with that thread."""

    def __init__(self, socket_path: Path, machine: Machine) -> None:
        self.socket = socket_path
        self._machine = machine
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(socket_path))
        self._listener.listen(8)

    def serve(self, child: subprocess.Popen[bytes]) -> int:
        """Until the child has ended; its exit status."""
        ended = os.pidfd_open(child.pid)
        while True:
            ready, _, _ = select.select([self._listener.fileno(), ended], [], [])
            if ended in ready:
                return child.wait()
            connection, _ = self._listener.accept()
            with connection:
                line = connection.makefile().readline().split()
                connection.sendall(f"{self._answer(line)}\n".encode())

    def _answer(self, words: list[str]) -> str:
        commands: dict[str, Callable[..., None]] = {
            "restart-api-server": self._restart_api_server,
            "kill-kubelet": self._machine.node.stop_kubelet,
            "start-kubelet": self._machine.node.start_kubelet,
            "restart-kubelet": self._restart_kubelet,
            "import": lambda file: self._machine.node.import_archive(Path(file)),
        }
        if not words or words[0] not in commands:
            return f"There is no command {' '.join(words)}."
        try:
            commands[words[0]](*words[1:])
        except Exception as problem:  # whatever it is, the test that asked is told, and the machine lives on
            return f"{type(problem).__name__}: {problem}".replace("\n", " ")
        return "ok"

    def _restart_api_server(self, away: str = "0") -> None:
        self._machine.first.stop_api_server()
        time.sleep(float(away))
        self._machine.first.start_api_server()

    def _restart_kubelet(self) -> None:
        self._machine.node.stop_kubelet()
        self._machine.node.start_kubelet()
