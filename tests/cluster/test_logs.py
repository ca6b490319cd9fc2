"""Logs of containers: what is read, and what is answered where there is nothing to read."""

from collections.abc import AsyncIterator

import pytest

from kube.clients import Cluster
from kube.errors import NotFound
from kube.labels import Identity
from kube.resources import POD


async def test_a_log_of_a_pod_that_is_not_there_is_not_found(cluster: Cluster, owner: Identity) -> None:
    async def read() -> AsyncIterator[bytes]:
        async with cluster.stream(POD.path(owner.namespace, "nobody", "log")) as response:
            yield await response.content.read()

    with pytest.raises(NotFound):
        await anext(read())
