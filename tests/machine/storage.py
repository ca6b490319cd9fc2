"""Volumes of a node without a provisioner: a default storage class, and as many volumes in folders as tests want.

They are local volumes, whose group the kubelet sets as it does on a cloud's disks.
"""

import json
from pathlib import Path

from tests.machine.control_plane import ControlPlane

VOLUMES = 80
_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "Immediate",
}
_LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}


def provide(control_plane: ControlPlane, folder: Path) -> None:
    """Makes the class, the volumes and their folders."""
    for number in range(VOLUMES):
        (folder / f"{number:02}").mkdir(parents=True)
    items = [_CLASS, *(_volume(folder, number) for number in range(VOLUMES))]
    listed = folder / "volumes.json"
    listed.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    control_plane.kubectl("create", "--filename", str(listed))


def _volume(folder: Path, number: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number:02}"},
        "spec": {
            "storageClassName": "standard",
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": f"{folder}/{number:02}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [_LINUX]}]}},
        },
    }
