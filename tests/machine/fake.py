"""kwok's fake nodes, for more of them than a machine can hold: their pods run only on paper."""

import json
import os
import subprocess
from pathlib import Path

from embedded.server import start_child
from tests.machine.control_plane import ControlPlane
from tests.machine.space import Space


class FakeNodes:
    """So many nodes of a control plane, each with room for 500 pods, and kwok, which plays their kubelets."""

    def __init__(self, space: Space, control_plane: ControlPlane, folder: Path, count: int) -> None:
        self._space = space
        self._control_plane = control_plane
        self._folder = folder
        self._count = count
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._folder.mkdir()
        nodes = self._folder / "nodes.json"
        nodes.write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": [_node(n) for n in range(self._count)]})
        )
        with (self._folder / "kwok.log").open("wb") as log:
            program = [
                str(self._control_plane.binaries / "kwok"), f"--kubeconfig={self._control_plane.kubeconfig}",
                "--manage-all-nodes=true", "--node-ip=10.99.0.1", "--cidr=10.200.0.0/16",
                "--node-lease-duration-seconds=40",  # or the nodes are taken to be dead after a while
            ]  # fmt: skip
            self._child = start_child(
                self._space.inside(program), log=log.fileno(), environment=dict(os.environ), folder=self._folder
            )
        self._control_plane.kubectl("apply", "--filename", str(nodes))

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def _node(number: int) -> dict[str, object]:
    name = f"fake-{number}"
    room = {"cpu": "256", "memory": "1Ti", "pods": "500"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"allocatable": room, "capacity": room},
    }
