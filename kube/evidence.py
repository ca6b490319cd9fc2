"""What a person needs to see of a failure: Kubernetes' events and the last lines of the container."""

from kube.clients import READ_TIMEOUT, Cluster, Query
from kube.errors import KubeError
from kube.resources import EVENT, POD
from kube.workloads import Manifest

_LINES = 10
_EVENTS = 5
_MOST_BYTES = 64 * 1024


async def of_pod(cluster: Cluster, namespace: str, pod: Manifest, container: str, crashed: bool) -> list[str]:
    """The last lines of the pod's container (of the one before, when it crashed), then warnings about the pod."""
    metadata = pod["metadata"]
    lines = await last_lines(cluster, namespace, metadata["name"], container, previous=crashed) if container else []
    return lines + await warnings(cluster, namespace, metadata["name"], metadata["uid"])


async def warnings(cluster: Cluster, namespace: str, name: str, uid: str) -> list[str]:
    """The messages of the latest warning events about an object, newest first; none when they cannot be had."""
    query: Query = {"fieldSelector": f"involvedObject.name={name},type=Warning", "limit": 100}
    try:
        answer = await cluster.request("GET", EVENT.path(namespace), query=query)
    except KubeError:
        return []
    # Pods of a stateful set inherit their names; what happened to an earlier one of the name proves nothing.
    own = [item for item in answer.get("items") or [] if item["involvedObject"].get("uid") in (uid, None)]
    own.sort(key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "", reverse=True)
    texts = dict.fromkeys(f"{item.get('reason', '')}: {item.get('message', '')}" for item in own)
    return list(texts)[:_EVENTS]


async def last_lines(cluster: Cluster, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
    """The container's last lines, none when there are none to be had."""
    query: Query = {"container": container, "tailLines": _LINES, "limitBytes": _MOST_BYTES, "previous": previous}
    body = bytearray()
    try:
        async with cluster.stream(POD.path(namespace, pod, "log"), query=query, silence=READ_TIMEOUT) as response:
            while part := await response.content.readany():
                body += part
    except KubeError:
        return []
    return [line.rstrip("\r") for line in body.decode("utf-8", "replace").split("\n") if line][-_LINES:]
