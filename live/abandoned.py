"""Namespaces that a forced deletion gave up: asked to go once more, and forgotten when they are gone."""

from kube import namespaces
from kube.clients import Cluster as Client
from kube.errors import ClusterChanged, KubeError, NamespaceForeign
from models import AbandonedNamespace


async def sweep(client: Client, cluster_id: str, cluster_uid: str, installation: str) -> None:
    """Looks at each of a cluster's, if the client, which means the cluster with this UID, still finds that one.

    Their names are free again once they are gone, also when another's namespace has the name by now.
    Raises: KubeError when the cluster does not answer, or is another one.
    """
    for row in await AbandonedNamespace.filter(cluster_id=cluster_id, cluster_uid=cluster_uid):
        uid = await namespaces.uid(client, row.namespace)
        if uid is not None and row.namespace_uid is None:
            uid = await namespaces.owned_uid(client, row.namespace, installation, row.instance_id)
        if uid is None or row.namespace_uid not in (None, uid):
            await client.verify()  # else it would be forgotten because another cluster does not have it
            await AbandonedNamespace.filter(id=row.id).delete()
        else:
            await _ask(client, row.namespace, uid)


async def _ask(client: Client, name: str, uid: str) -> None:
    """Asks the namespace to go; one that is another's by now is seen at the next look."""
    try:
        await namespaces.delete(client, name, uid)
    except NamespaceForeign:
        return
    except KubeError as error:
        if error.retryable or isinstance(error, ClusterChanged):
            raise
