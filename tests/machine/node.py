"""One real node of a cluster: Debian's containerd and runc, and Kubernetes' kubelet."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from embedded.server import start_child
from tests.kit.processes import family
from tests.machine import images, services
from tests.machine.binaries import MachineError
from tests.machine.control_plane import ControlPlane
from tests.machine.space import ADDRESS, Space

PACKAGES = {
    "/usr/bin/containerd": "containerd",
    "/usr/sbin/runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/bin/busybox": "busybox-static",
    "/usr/sbin/iptables": "iptables",
    "/usr/sbin/conntrack": "conntrack",
}
NAME = "node-1"
READY_WITHIN = 60.0
_CGROUPS = Path("/sys/fs/cgroup")


class Node:
    """The node of one control plane. Only one can run on a machine: its cgroups have one name."""

    def __init__(self, space: Space, control_plane: ControlPlane, folder: Path) -> None:
        self._space = space
        self._control_plane = control_plane
        self._folder = folder
        self._binaries = control_plane.binaries
        self._socket = folder / "containerd.sock"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Starts it and waits until it is ready. Raises: MachineError."""
        missing = sorted({package for path, package in PACKAGES.items() if not Path(path).exists()})
        if missing:
            raise MachineError(f"A node needs packages of Debian: apt-get install {' '.join(missing)}")
        if any(_CGROUPS.glob("**/kubepods/**/cgroup.procs")) and _in_use():
            raise MachineError("Another kubelet runs on this machine: set KUBECONFIG to run on its cluster.")
        for name in ("cni/conf", "kubelet", "logs", "containerd"):
            (self._folder / name).mkdir(parents=True)
        self._write()
        self._start("containerd", ["/usr/bin/containerd", "--config", f"{self._folder}/containerd/config.toml"])
        self._until(lambda: self._ctr("version"), "containerd")
        for image in (images.PAUSE, images.BUSYBOX):
            self._made_of_busybox(image)
        self.import_archive(services.archive())
        self.start_kubelet()
        ready = ["get", "node", NAME, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}"]
        self._until(lambda: self._control_plane.kubectl(*ready) == "True", "kubelet")

    def start_kubelet(self) -> None:
        """Starts it, at first or anew."""
        arguments = [
            f"--kubeconfig={self._control_plane.pki}/{NAME}.kubeconfig", f"--config={self._folder}/kubelet/config.json",
            f"--root-dir={self._folder}/kubelet/root", f"--hostname-override={NAME}", f"--node-ip={ADDRESS}",
        ]  # fmt: skip
        self._start("kubelet", [str(self._binaries / "kubelet"), *arguments])

    def stop_kubelet(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Ends the kubelet alone: containers run on, their logs cannot be read meanwhile."""
        child = self._children.pop("kubelet")
        while child.poll() is None and len(family(child.pid)) < 2:  # what enters the namespaces has yet to start it
            time.sleep(0.01)
        for pid in reversed(family(child.pid)[1:]):
            os.kill(pid, number)
        child.wait()

    def import_archive(self, file: Path) -> None:
        """Makes an image known. Raises: MachineError."""
        said = self._ctr("--namespace=k8s.io", "images", "import", str(file))
        if said is None:
            raise MachineError(f"{file} could not be imported.")

    def stop(self) -> None:
        """Ends what it started itself; containers end with the node's namespaces."""
        while self._children:
            _, child = self._children.popitem()
            child.kill()
            child.wait()

    def clean(self) -> None:
        """Removes the cgroups, once the node's namespaces are gone."""
        for root in _CGROUPS.glob("*/kubepods"):
            for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
                _remove(folder)
            _remove(root)

    def _start(self, name: str, program: Sequence[str]) -> None:
        with (self._folder / "logs" / f"{name}.log").open("ab") as log:
            self._children[name] = start_child(
                self._space.on_node(program), log=log.fileno(), environment=dict(os.environ)
            )

    def _until(self, done: Callable[[], object], name: str) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not done():
            if self._children[name].poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"{name} did not start; see {self._folder}/logs/{name}.log.")
            time.sleep(0.1)

    def _ctr(self, *arguments: str) -> str | None:
        """What containerd's client printed; None when it failed."""
        program = self._space.on_node(["/usr/bin/ctr", "--address", str(self._socket), *arguments])
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def _made_of_busybox(self, image: images.Image) -> None:
        root = self._folder / "root"
        images.busybox_root(root)
        file = self._folder / "image.tar"
        images.archive([image], root, file)
        self.import_archive(file)
        shutil.rmtree(root)

    def _write(self) -> None:
        folder = self._folder
        (folder / "cni/conf/10-bridge.conflist").write_text(json.dumps(_network(folder)))
        (folder / "containerd/config.toml").write_text(_CONTAINERD.format(folder=folder, socket=self._socket))
        (folder / "kubelet/config.json").write_text(json.dumps(_kubelet(folder, self._control_plane.pki, self._socket)))


def _in_use() -> bool:
    return any(file.read_text().strip() for file in _CGROUPS.glob("*/kubepods/**/cgroup.procs"))


def _remove(folder: Path) -> None:
    """A cgroup is empty a moment after its last process is gone."""
    for _ in range(50):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return


def _network(folder: Path) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{folder}/cni/addresses",
        "ranges": [[{"subnet": "10.244.0.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge | {"ipam": addresses}, ports]}


_CONTAINERD = """
version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.local/pause:3.9"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni/conf"
"""


def _kubelet(folder: Path, pki: Path, socket: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/{NAME}.crt",
        "tlsPrivateKeyFile": f"{pki}/{NAME}.key",
        "containerRuntimeEndpoint": f"unix://{socket}",
        "clusterDNS": [ADDRESS],
        "clusterDomain": "cluster.local",
        "containerLogMaxSize": os.environ.get("BERTH_TEST_LOG_SIZE", "1Mi"),  # so that tests meet rotations
        "containerLogMonitorInterval": "5s",
        "podLogsDir": f"{folder}/pod-logs",
        "failSwapOn": False,
        "address": ADDRESS,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "serializeImagePulls": False,
    }
