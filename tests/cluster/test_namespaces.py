"""Namespaces: made and never taken over, deleted by UID, their end waited for."""

from dataclasses import replace

import pytest

from kube import namespaces
from kube.apply import apply
from kube.clients import MERGE, Cluster
from kube.errors import AlreadyExists, NamespaceForeign
from kube.labels import Identity
from kube.manifests import holdings, namespace
from kube.resources import CONFIG_MAP, NAMESPACE
from tests.kube.plans import web


async def test_an_own_namespace_is_accepted_again_and_a_foreign_one_refused(cluster: Cluster, owner: Identity) -> None:
    assert await namespaces.create(cluster, namespace(owner)) == await namespaces.uid(cluster, owner.namespace)
    for other in (replace(owner, instance_id="instance-2"), replace(owner, installation="installation-2")):
        with pytest.raises(NamespaceForeign):
            await namespaces.create(cluster, namespace(other))
    with pytest.raises(NamespaceForeign):
        await namespaces.create(cluster, namespace(replace(owner, namespace="kube-system")))


async def test_a_name_that_is_taken_is_said_so(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(AlreadyExists):
        await cluster.request("POST", NAMESPACE.path(), body=namespace(owner))


async def test_a_namespace_is_deleted_by_its_uid_only(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(NamespaceForeign):
        await namespaces.delete(cluster, owner.namespace, "00000000-0000-0000-0000-000000000000")
    await namespaces.delete(cluster, "nobody-made-this", "00000000-0000-0000-0000-000000000000")
    assert await namespaces.uid(cluster, owner.namespace) is not None


async def test_what_holds_a_namespace_up_is_shown_until_it_goes(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, holdings(owner, web()))
    path = CONFIG_MAP.path(owner.namespace, "web.app")
    held = {"metadata": {"finalizers": ["example.dev/hold"]}}
    await cluster.request("PATCH", path, body=held, content_type=MERGE)
    uid = await namespaces.uid(cluster, owner.namespace)
    assert uid is not None
    await namespaces.delete(cluster, owner.namespace, uid)
    seen: list[tuple[str, str, tuple[str, ...]]] = []
    async for holdings_ in namespaces.follow_deletion(cluster, owner.namespace, uid):
        mine = [(h.kind, h.name, h.finalizers) for h in holdings_ if h.finalizers]
        if mine and not seen:
            seen = mine
            freed = {"metadata": {"finalizers": None}}
            await cluster.request("PATCH", path, body=freed, content_type=MERGE)
    assert seen == [("ConfigMap", "web.app", ("example.dev/hold",))]
    assert await namespaces.uid(cluster, owner.namespace) is None
