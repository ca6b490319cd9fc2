"""A simulated cluster in a process of its own, which may be killed and started again where it was."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from command.ports import free
from embedded.server import start_child
from tests.kit.installation import ROOT
from tests.kit.sandbox import TOKEN, kubeconfig

_HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Simulated:
    """Keeps its objects in `folder` when it is killed, and listens on the same port always."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self._folder = folder
        self._url = f"http://127.0.0.1:{free('127.0.0.1')}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.kubeconfig.write_text(kubeconfig(self._url))

    def start(self) -> None:
        """Starts it and waits until it answers."""
        port = self._url.rpartition(":")[2]
        options = ["--port", port, "--token", TOKEN, "--data", str(self._folder / "data"), "--pod-start", "0.05"]
        with (self._folder / "log").open("ab") as log:
            program = [sys.executable, "-m", "simulator", *options]
            self._process = start_child(program, log=log.fileno(), folder=ROOT)
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, where: str, **body: Any) -> None:
        """Posts to its control API: `faults`, `cut` and so on."""
        httpx.post(f"{self._url}/simulator/{where}", json=body, headers=_HEADERS).raise_for_status()

    def heal(self) -> None:
        """Switches every fault off."""
        httpx.delete(f"{self._url}/simulator/faults", headers=_HEADERS).raise_for_status()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self._url}/version", headers=_HEADERS).is_success
        except httpx.TransportError:
            return False
