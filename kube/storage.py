"""The storage classes of a cluster: which there are, and which one makes the volumes that name none."""

from dataclasses import dataclass

from kube.clients import Cluster
from kube.resources import STORAGE_CLASS

_DEFAULT = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of all classes, and of the default one; None when there is no default."""

    names: tuple[str, ...]
    default: str | None


async def classes(cluster: Cluster) -> Classes:
    """The classes as they are now. Where several are marked as the default, the one first in the list is told."""
    answer = await cluster.request("GET", STORAGE_CLASS.path())
    found = {item["metadata"]["name"]: item["metadata"].get("annotations") or {} for item in answer.get("items") or []}
    return Classes(tuple(found), next((name for name, said in found.items() if said.get(_DEFAULT) == "true"), None))
