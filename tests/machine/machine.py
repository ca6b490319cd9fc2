"""Everything, put together."""

import os
from pathlib import Path

from tests.machine import binaries, storage
from tests.machine.control_plane import ControlPlane
from tests.machine.fake import FakeNodes
from tests.machine.network import Network
from tests.machine.node import Node
from tests.machine.space import Space


class Machine:
    """A control plane with one real node; `fake_nodes` above 0 adds a second control plane with so many of kwok's."""

    def __init__(self, folder: Path, fake_nodes: int = 0) -> None:
        """Raises: MachineError when there are no binaries."""
        self.folder = folder
        self.space = Space(folder)
        found = binaries.find()
        self.first = ControlPlane(self.space, found, folder / "first")
        self.node = Node(self.space, self.first, folder / "node")
        self.network = Network(self.space, self.first, folder / "network")
        self.second = ControlPlane(self.space, found, folder / "second", 1) if fake_nodes else None
        self.fake = FakeNodes(self.space, self.second, folder / "fake", fake_nodes) if self.second else None

    def start(self) -> None:
        """Raises: MachineError."""
        self.space.open()
        self.first.start()
        self.network.start()
        if self.second is not None and self.fake is not None:
            self.second.start()
            self.fake.start()
        self.node.start()
        storage.provide(self.first, self.folder / "volumes")

    def stop(self) -> None:
        """Ends all of it; nothing of it is left."""
        self.node.stop()
        self.network.stop()
        if self.second is not None and self.fake is not None:
            self.fake.stop()
            self.second.stop()
        self.first.stop()
        self.space.close()
        self.node.clean()

    def environment(self, control: Path) -> dict[str, str]:
        """Where tests find it. control: the socket of `tests.machine.control`."""
        made = {"BERTH_TEST_KUBECONFIG": str(self.first.kubeconfig), "BERTH_TEST_MACHINE": str(control)}
        made["BERTH_TEST_ETCD"] = self.first.etcd
        if self.second is not None:
            made["BERTH_TEST_SECOND_KUBECONFIG"] = str(self.second.kubeconfig)
        made["PATH"] = f"{self.first.binaries}:{os.environ.get('PATH', '')}"  # for kubectl
        return os.environ | made
