"""The tests' own Kubernetes: where its programs come from, and what is said where it cannot be started."""

import os
import sys
from pathlib import Path

import pytest

from tests.machine import binaries, choose, node
from tests.machine.binaries import PROGRAMS, MachineError
from tests.machine.control_plane import ControlPlane
from tests.machine.node import Node
from tests.machine.space import Space


@pytest.fixture(autouse=True)
def nothing_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and no programs but those of a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def programs(folder: Path, names: tuple[str, ...]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_programs_are_taken_from_where_kubernetes_own_tests_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assets = programs(tmp_path / "assets", PROGRAMS)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert binaries.find() == assets


def test_without_all_programs_and_go_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs(tmp_path / "assets", ("etcd",))))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match=r"install Go 1\.24 or newer, or set KUBECONFIG"):
        binaries.find()


def test_without_root_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"run as root, or set KUBECONFIG"):
        Space(tmp_path).open()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(node, "PACKAGES", {str(tmp_path / "runc"): "runc", str(tmp_path / "b"): "busybox-static"})
    space = Space(tmp_path)
    with pytest.raises(MachineError, match=r"apt-get install busybox-static runc$"):
        Node(space, ControlPlane(space, tmp_path, tmp_path), tmp_path).start()


@pytest.mark.parametrize(
    ("kubeconfig", "begins"), [("/some/kubeconfig", ["pytest"]), ("", [sys.executable, "-m", "tests.machine"])]
)
def test_a_cluster_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch, kubeconfig: str, begins: list[str]) -> None:
    ran: list[list[str]] = []
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    monkeypatch.setenv("BERTH_TEST_KUBECONFIG", "")
    monkeypatch.setattr(os, "execvp", lambda _program, command: ran.append(command))
    choose.main(["pytest", "tests/cluster"])
    assert ran[0][: len(begins)] == begins
    assert ran[0][-2:] == ["pytest", "tests/cluster"]
    assert os.environ["BERTH_TEST_KUBECONFIG"] == kubeconfig
