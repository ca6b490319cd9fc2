"""The namespaces that the machine lives in: one for its network, and one for its node's processes and mounts."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from embedded.server import start_child
from tests.machine.binaries import MachineError

ADDRESS = "10.99.0.1"
"""The node's and the servers' address: on the network namespace's own loopback, for nothing leaves it."""

_HOLD = """
mount --make-rshared / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run && echo ready
while sleep 1; do :; done
"""
"""The first process of the node's namespaces. It waits for the children of others that end after them."""


class Space:
    """A network namespace, and below it a process and mount namespace for the node.

    Whatever runs in the latter ends when its first process does, and its mounts go with it.
    """

    def __init__(self, run: Path) -> None:
        self.name = f"berth-test-{os.getpid()}"
        self._run = run
        self._holder: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Raises: MachineError when namespaces cannot be made here."""
        if os.geteuid() != 0:
            raise MachineError(
                "A real node needs root: run as root, or set KUBECONFIG to the kubeconfig of a cluster to run on."
            )
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        _ip("-n", self.name, "address", "add", f"{ADDRESS}/32", "dev", "lo")

    def close(self) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)

    def inside(self, program: Sequence[str]) -> list[str]:
        """The command line of a program in the network namespace. (`ip netns exec` would mount another /sys.)"""
        return ["/usr/bin/nsenter", f"--net=/run/netns/{self.name}", *program]

    def on_node(self, program: Sequence[str]) -> list[str]:
        """The command line of a program in all of the node's namespaces, made when first asked for."""
        if self._holder is None:
            self._holder = self._hold()
        pid = self._first()
        return ["/usr/bin/nsenter", "--target", str(pid), "--net", "--pid", "--mount", *program]

    def _hold(self) -> subprocess.Popen[bytes]:
        said = self._run / "holder.log"
        command = ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "slave"]
        with said.open("wb") as log:
            holder = start_child(self.inside([*command, "/bin/sh", "-c", _HOLD]), log=log.fileno())
        while b"ready" not in said.read_bytes():
            if holder.poll() is not None:
                raise MachineError(f"Namespaces cannot be made on this machine: {said.read_text().strip()}")
        return holder

    def _first(self) -> int:
        assert self._holder is not None
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        return int(children[0])


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MachineError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")
