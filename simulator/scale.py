"""The scale subresource of workloads."""

from simulator import errors
from simulator.cluster import Cluster, Writer
from simulator.kinds import Kind, Object


def scale(obj: Object) -> Object:
    """The autoscaling/v1 Scale of a workload."""
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {name: meta[name] for name in kept},
        "spec": {"replicas": obj["spec"].get("replicas", 1)},
        "status": {
            "replicas": (obj.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        },
    }  # fmt: skip


def change_scale(cluster: Cluster, kind: Kind, obj: Object, wanted: Object, writer: Writer) -> Object:
    """Sets the replicas of a workload. Raises 409 for an old resourceVersion, 422 for a negative number."""
    meta = obj["metadata"]
    if (wanted.get("metadata") or {}).get("resourceVersion") not in {None, "", meta["resourceVersion"]}:
        raise errors.modified(kind, meta["name"])
    replicas = (wanted.get("spec") or {}).get("replicas", 0)

    def edit(current: Object) -> Object:
        current["spec"]["replicas"] = replicas
        return current

    return cluster.change(kind, meta["namespace"], meta["name"], edit, writer, "scale").obj
