"""A row's cluster client: opened once per process and version of the row, closed when the row changed."""

import asyncio
from dataclasses import dataclass

import structlog

from kube.clients import Cluster as Client
from kube.errors import KubeError
from kube.kubeconfig import Access, in_cluster, read
from live.breaker import Breaker, Standing
from models import Cluster
from models.keyring import Keyring
from rules.enums import ClusterKind
from settings import settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Open:
    """row: the version and the UID of the row that the client was made from."""

    row: tuple[int, str]
    client: Client
    breaker: Breaker


class Clusters:
    """The clients of this process, by cluster id."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._open: dict[str, _Open] = {}
        self._lock = asyncio.Lock()

    async def of(self, cluster_id: str) -> Client:
        """The client of a cluster that is registered, which writes to no other.

        Raises: KubeError, KeyringError when its access cannot be used.
        """
        row = await Cluster.get(id=cluster_id)
        async with self._lock:
            known = self._open.get(cluster_id)
            if known is not None and known.row == (row.version, row.uid):
                return known.client
            breaker = Breaker()
            client = await Client.open(self.access(row), breaker, row.uid)
            self._open[cluster_id] = _Open((row.version, row.uid), client, breaker)
        if known is not None:
            await known.client.close()
        return client

    def standing(self, cluster_id: str) -> Standing:
        """How the cluster's breaker is in this process; closed while it was never asked."""
        known = self._open.get(cluster_id)
        return Standing() if known is None else known.breaker.standing

    def answered(self, cluster_id: str) -> None:
        """Notes that the cluster answered on another way than its client's."""
        known = self._open.get(cluster_id)
        if known is not None:
            known.breaker.answered()

    def access(self, row: Cluster) -> Access:
        """How the row's cluster is reached, its secret opened. Raises: KubeconfigInvalid, KeyringError."""
        if row.kind == ClusterKind.IN_CLUSTER:
            return in_cluster()
        assert row.kubeconfig is not None
        text = self.keyring.unseal(row.kubeconfig, row.id)
        return read(text, allow_private=row.kind == ClusterKind.SIMULATOR or settings().allow_private_clusters)

    async def close(self) -> None:
        """Closes every client."""
        for known in self._open.values():
            try:
                await known.client.close()
            except (KubeError, OSError) as problem:
                log.warning("a cluster's client did not close", problem=str(problem))
        self._open.clear()
