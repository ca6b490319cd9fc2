"""What makes a node's Services reachable: Kubernetes' own proxy, and their names."""

import json
import os
import subprocess
import sys
from pathlib import Path

from embedded.server import start_child
from tests.machine.control_plane import ControlPlane
from tests.machine.space import ADDRESS, Space

ROOT = Path(__file__).parents[2]


class Network:
    """kube-proxy and the name server, in the network namespace of the node."""

    def __init__(self, space: Space, control_plane: ControlPlane, folder: Path) -> None:
        self._space = space
        self._control_plane = control_plane
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._folder.mkdir()
        configuration = self._folder / "proxy.json"
        configuration.write_text(json.dumps(_proxy(self._control_plane.kubeconfig)))
        self._start("kube-proxy", [str(self._control_plane.binaries / "kube-proxy"), f"--config={configuration}"])
        self._start(
            "names", [sys.executable, "-m", "tests.machine.names", str(self._control_plane.kubeconfig), ADDRESS]
        )

    def stop(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()

    def _start(self, name: str, program: list[str]) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._children.append(
                start_child(self._space.inside(program), log=log.fileno(), folder=ROOT, environment=dict(os.environ))
            )


def _proxy(kubeconfig: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "mode": "iptables",
        "iptables": {"minSyncPeriod": "100ms"},
        "clusterCIDR": "10.244.0.0/16",
        "hostnameOverride": "node-1",
        "bindAddress": ADDRESS,
        "nodePortAddresses": ["primary"],
        "conntrack": {"maxPerCore": 0},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }
