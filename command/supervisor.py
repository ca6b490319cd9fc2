"""Several processes that live and end together."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded.server import end_child, last_words, start_child


class StartError(Exception):
    """Something did not start or ended too soon; the message is one sentence for the person at the terminal."""


class Supervisor:
    """Starts processes, watches them, and ends them in reverse order. Use it from the main thread.

    What a process prints goes to `<name>.log`. A process that is still there when this one is killed is killed too.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs = logs
        self.environment = dict(environment)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, program: Sequence[str]) -> None:
        """Start a process that stays."""
        with self._log(name).open("wb") as log:
            self._children[name] = start_child(program, log=log.fileno(), environment=self.environment)

    def run(self, name: str, program: Sequence[str]) -> None:
        """Run a process to its end.

        Raises:
            StartError: it ended with another status than 0.
        """
        self.start(name, program)
        status = self._children[name].wait()
        del self._children[name]
        if status != 0:
            raise StartError(f"{name} failed: {self._words(self._log(name))}")

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until a process is ready.

        Raises:
            StartError: it has ended, or is not ready in time.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self._children[name].poll() is not None:
                raise StartError(f"{name} ended while it was starting: {self._words(self._log(name))}")
            if time.monotonic() > deadline:
                raise StartError(f"{name} was not ready within {seconds:g} seconds; see {self._log(name)}.")
            time.sleep(0.05)

    def watch(self, servers: Mapping[Path, int | None]) -> None:
        """Wait until any process ends (or one of `servers`, ids by folder, with a file `log` in it), which none should.

        Raises:
            StartError: always, saying which one ended.
        """
        pids = {name: child.pid for name, child in self._children.items()}
        pids |= {folder.name: pid for folder, pid in servers.items() if pid}
        logs = {folder.name: folder / "log" for folder in servers}
        watched = {os.pidfd_open(pid): name for name, pid in pids.items()}
        try:
            ended, _, _ = select.select(list(watched), [], [])
        finally:
            for descriptor in watched:
                os.close(descriptor)
        name = watched[ended[0]]
        status = self._children[name].wait() if name in self._children else 0
        if status < 0:
            killer = signal.Signals(-status).name
            raise StartError(f"{name} was ended by {killer}, so everything was stopped; see {self._log(name)}.")
        words = self._words(logs.get(name, self._log(name)))
        raise StartError(f"{name} ended, so everything was stopped: {words}")

    def stop(self) -> None:
        """End every process, the last one first; each has a few seconds for what it has under way."""
        while self._children:
            _, child = self._children.popitem()
            end_child(child, [(signal.SIGTERM, 8)])

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @staticmethod
    def _words(log: Path) -> str:
        return f"{last_words(log, ())} (see {log})"
