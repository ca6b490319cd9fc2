"""Kubernetes' programs: found where the Kubernetes project's own tests look, else built from pinned Go modules."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"
_KUBERNETES = "k8s.io/kubernetes/cmd"
_CORE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")


class MachineError(Exception):
    """What is missing on this machine, and what to do about it, in one sentence."""


@dataclass(frozen=True, slots=True)
class Module:
    """A folder of `tools/` with a go.mod and go.sum of its own, and the programs built from it, by package."""

    name: str
    programs: dict[str, str]


MODULES = (
    Module(
        "kubernetes",
        {program: f"{_KUBERNETES}/{program}" for program in _CORE},
    ),
    Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
)
PROGRAMS = tuple(program for module in MODULES for program in module.programs)


def find() -> Path:
    """The folder of all programs: KUBEBUILDER_ASSETS where it has them, else the cache, filled when it is empty.

    Raises: MachineError when they must be built and Go is not installed, or a build fails.
    """
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given and _complete(Path(given)):
        return Path(given)
    folder = cache() / f"kubernetes-{_digest()}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for module in MODULES:
            _build(module, folder)
    return folder


def cache() -> Path:
    """The folder for what is slow to make: $XDG_CACHE_HOME/berth or ~/.cache/berth."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth"


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in PROGRAMS)


def _digest() -> str:
    """Of the pinned modules: other pins are another folder."""
    pins = [(TOOLS / module.name / file).read_bytes() for module in MODULES for file in ("go.mod", "go.sum")]
    return hashlib.sha256(b"".join([*pins, _linked().encode()])).hexdigest()[:12]


def _linked() -> str:
    """Kubernetes' programs are told their version when they are linked."""
    pinned = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", (TOOLS / "kubernetes/go.mod").read_text())
    assert pinned is not None
    values = {"gitVersion": pinned[1], "gitMajor": pinned[2], "gitMinor": pinned[3], "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    told = [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]
    return " ".join(["-s -w", *told])


def _build(module: Module, folder: Path) -> None:
    missing = {name: package for name, package in module.programs.items() if not (folder / name).exists()}
    if not missing:
        return
    if shutil.which("go") is None:
        raise MachineError(
            "Kubernetes' programs are neither in KUBEBUILDER_ASSETS nor in the cache, and Go is not installed to build "
            "them: install Go 1.24 or newer, or set KUBECONFIG to the kubeconfig of a cluster to run the tests on."
        )
    for name, package in missing.items():
        began = time.monotonic()
        sys.stderr.write(f"Building {name} from {package} ...\n")
        made = folder / f".{name}"
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", _linked(), "-o", str(made), package]
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
        done = subprocess.run(command, cwd=TOOLS / module.name, env=environment, check=False)
        if done.returncode != 0:
            raise MachineError(f"{name} could not be built; what Go said is above.")
        made.rename(folder / name)
        sys.stderr.write(f"Built {name} in {time.monotonic() - began:.0f} s.\n")
