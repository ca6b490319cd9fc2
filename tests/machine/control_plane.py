"""etcd, the API server, the controller manager and the scheduler of one cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from embedded.server import start_child
from tests.machine import keys
from tests.machine.binaries import MachineError
from tests.machine.space import ADDRESS, Space

READY_WITHIN = 60.0

_AGE = """
import sys, time, urllib.request
address, deadline = sys.argv[1] + "/v3/kv/put", time.monotonic() + 30
for made in range(10):
    while True:
        try:
            urllib.request.urlopen(address, b'{"key": "YWdl", "value": ""}').close()
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
"""
"""Writes to etcd, over its gateway for JSON, as soon as it answers."""


class ControlPlane:
    """One cluster without nodes. number: 0 or more, sets its ports apart. folder: for its state and logs."""

    def __init__(self, space: Space, binaries: Path, folder: Path, number: int = 0) -> None:
        self.folder = folder
        self.port = 6443 + 10 * number
        self.server = f"https://{ADDRESS}:{self.port}"
        self.pki = folder / "pki"
        self.kubeconfig = self.pki / "admin.kubeconfig"
        self._etcd = 23790 + 10 * number
        self.etcd = f"http://127.0.0.1:{self._etcd}"
        self._other = 10257 + 10 * number
        self._space = space
        self.binaries = binaries
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Starts it and waits until its API server is ready. Raises: MachineError."""
        (self.folder / "logs").mkdir(parents=True)
        keys.make(self.pki, self.server)
        self._start("etcd", self._etcd_arguments())
        self._age()
        self.start_api_server()
        self._start("kube-controller-manager", self._manager_arguments())
        self._start("kube-scheduler", self._scheduler_arguments())

    def _age(self) -> None:
        """Gives etcd a past: a version 1 is too old for whatever the API server reads, as it is in a used cluster."""
        done = subprocess.run(
            self._space.inside([sys.executable, "-c", _AGE, self.etcd]), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MachineError(f"etcd did not start; see {self.folder}/logs/etcd.log.")

    def start_api_server(self) -> None:
        """Raises: MachineError when it is not ready in time."""
        self._start("kube-apiserver", self._server_arguments())
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            if self._children["kube-apiserver"].poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"The API server did not start; see {self.folder}/logs/kube-apiserver.log.")
            time.sleep(0.1)

    def stop_api_server(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Ends the API server alone. (On SIGTERM it lives on for up to a minute, for its watches.)"""
        child = self._children.pop("kube-apiserver")
        child.send_signal(number)
        child.wait()

    def stop(self) -> None:
        while self._children:
            _, child = self._children.popitem()
            child.kill()
            child.wait()

    def processes(self) -> dict[str, int]:
        """The process ids of its parts by their names."""
        return {name: child.pid for name, child in self._children.items()}

    def kubectl(self, *arguments: str) -> str:
        """What kubectl printed; empty when it failed."""
        program = [str(self.binaries / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(self._space.inside(program), capture_output=True, text=True, check=False).stdout

    def _start(self, name: str, arguments: Sequence[str]) -> None:
        program = self._space.inside([str(self.binaries / name), *arguments])
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            self._children[name] = start_child(program, log=log.fileno(), environment=dict(os.environ))

    def _ready(self) -> bool:
        return self.kubectl("get", "--raw=/readyz") == "ok"

    def _etcd_arguments(self) -> list[str]:
        client, peer = self.etcd, f"http://127.0.0.1:{self._etcd + 1}"
        return [
            f"--data-dir={self.folder}/etcd", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync", "--log-level=warn", "--quota-backend-bytes=4294967296",
        ]  # fmt: skip

    def _server_arguments(self) -> list[str]:
        pki = self.pki
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd}", f"--secure-port={self.port}", f"--bind-address={ADDRESS}",
            f"--advertise-address={ADDRESS}", f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key", f"--client-ca-file={pki}/ca.crt",
            f"--service-account-key-file={pki}/sa.pub", f"--service-account-signing-key-file={pki}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-client-certificate={pki}/admin.crt", f"--kubelet-client-key={pki}/admin.key",
            f"--kubelet-certificate-authority={pki}/ca.crt", "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--max-requests-inflight=1600", "--max-mutating-requests-inflight=800",
        ]  # fmt: skip

    def _manager_arguments(self) -> list[str]:
        """Its own limits are raised: the defaults (20 requests a second, 10 namespaces at once) suit few objects."""
        pki = self.pki
        return [
            f"--kubeconfig={pki}/kcm.kubeconfig", f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt", "--use-service-account-credentials=true", "--leader-elect=false",
            f"--secure-port={self._other}", "--bind-address=127.0.0.1", "--allocate-node-cidrs=true",
            "--cluster-cidr=10.244.0.0/16", "--kube-api-qps=300", "--kube-api-burst=600",
            "--concurrent-namespace-syncs=50", "--concurrent-gc-syncs=50",
        ]  # fmt: skip

    def _scheduler_arguments(self) -> list[str]:
        return [
            f"--kubeconfig={self.pki}/sched.kubeconfig", "--leader-elect=false", "--bind-address=127.0.0.1",
            f"--secure-port={self._other + 1}", "--kube-api-qps=300", "--kube-api-burst=600",
        ]  # fmt: skip
