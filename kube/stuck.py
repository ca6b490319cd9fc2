"""Pods that a stateful set's controller waits for though they never become ready: it replaces none by itself."""

from kube.clients import Cluster
from kube.errors import Conflict, NotFound
from kube.labels import MANAGED
from kube.resources import POD, STATEFUL_SET
from kube.workloads import current, is_ready, pods_of


async def discard(cluster: Cluster, namespace: str, name: str) -> list[str]:
    """Deletes the pods of a stateful set that are of another template than its present one and not ready.

    A set that was given back an earlier template goes on waiting for the pods of the later one
    (kubernetes.io, "StatefulSets", forced rollback). Returns their names. Raises: KubeError.
    """
    workload = await cluster.request("GET", STATEFUL_SET.path(namespace, name))
    answer = await cluster.request("GET", POD.path(namespace), query={"labelSelector": MANAGED})
    pods = pods_of(workload, answer["items"])
    present = {pod["metadata"]["name"] for pod in current(workload, pods)}
    stuck = [pod["metadata"] for pod in pods if pod["metadata"]["name"] not in present and not is_ready(pod)]
    for pod in stuck:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": pod["uid"]}}
        try:
            await cluster.request("DELETE", POD.path(namespace, pod["name"]), body=body, repeatable=True)
        except (NotFound, Conflict):
            continue
    return [pod["name"] for pod in stuck]
