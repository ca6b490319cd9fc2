"""A plan whose every object, and every pod that comes of it, is judged by a cluster's server without being made."""

from typing import Any

from catalogue.release import InstancePlan
from kube import namespaces
from kube.apply import apply
from kube.clients import Cluster
from kube.labels import Identity
from kube.manifests import foundation, level_of, need, objects
from kube.resources import POD, WORKLOADS

_WORKLOADS = {resource.kind for resource in WORKLOADS}


async def judge(cluster: Cluster, owner: Identity, wanted: InstancePlan) -> int:
    """Sends everything as a dry run into the owner's namespace, which gets its policies, account and level first.

    Returns how many objects were judged; raises the error of the first that was refused.
    """
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.enforce(cluster, owner.namespace, uid, level_of(wanted))
    await apply(cluster, foundation(owner, need(wanted)))
    made = objects(owner, wanted)
    await apply(cluster, made, dry_run=True)
    pods = [_pod(manifest) for manifest in made if manifest["kind"] in _WORKLOADS]
    for pod in pods:
        await cluster.request("POST", POD.path(owner.namespace), query={"dryRun": "All"}, body=pod)
    return len(made) + len(pods)


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    template = manifest["spec"]["template"]
    name = f"{manifest['metadata']['name']}-0"
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": name}}
