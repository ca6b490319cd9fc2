"""The demo's simulated cluster: where it listens, who may enter, and its kubeconfig."""

import json
import os
import secrets
import sys
from pathlib import Path

import httpx

from command import ports
from command.supervisor import StartError, Supervisor


class Simulated:
    """A simulator in a folder, with a token that is made once and a port that stays while it can."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self.host = host
        self.port = 0
        self.token = ""

    def start(self, supervisor: Supervisor) -> None:
        """Start the simulator and wait until it answers."""
        self._choose()
        supervisor.environment["SIMULATOR_TOKEN"] = self.token
        program = [sys.executable, "-m", "simulator", "--host", self.host, "--port", str(self.port)]
        supervisor.start("simulator", [*program, "--data", str(self.folder / "journal")])
        del supervisor.environment["SIMULATOR_TOKEN"]
        supervisor.wait_for("simulator", self._answers, 15)

    def kubeconfig(self) -> str:
        """How Berth reaches it. JSON is YAML too."""
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "simulated", "cluster": {"server": self.url}}],
                "users": [{"name": "berth", "user": {"token": self.token}}],
                "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "berth"}}],
                "current-context": "simulated",
            }
        )

    @property
    def url(self) -> str:
        """Where it listens, or will."""
        return f"http://{self.host}:{self.port}"

    def _choose(self) -> None:
        """Take the port and the token of last time; another port when someone else has that one now."""
        kept = self.folder / "access.json"
        try:
            known = json.loads(kept.read_text())
            self.port, self.token = int(known["port"]), str(known["token"])
            ports.require_free(self.host, self.port)
        except (OSError, ValueError, KeyError, StartError):
            self.port = ports.free(self.host)
            self.token = self.token or secrets.token_urlsafe(32)
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"port": self.port, "token": self.token}, file)

    def _answers(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"}, timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == 200
