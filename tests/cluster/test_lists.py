"""Lists: whole, in pages, of metadata alone, and of versions that are not there."""

import pytest

from kube.clients import METADATA_ONLY, Cluster
from kube.errors import Gone, Invalid, KubeError, ServerFault
from kube.labels import Identity
from kube.resources import CONFIG_MAP
from tests.cluster.conftest import Compact
from tests.cluster.pods import Object, Query

OURS = "mark=ours"


async def make(cluster: Cluster, owner: Identity, *names: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": {"mark": "ours"}}, "data": {"colour": "blue"}}
        await cluster.request("POST", CONFIG_MAP.path(owner.namespace), body=body)


async def listed(
    cluster: Cluster, owner: Identity, accept: str = "application/json", after: str = "", **query: str | int
) -> Object:
    """The configmaps that the tests made; `after`: the continue token of the page before."""
    wanted: Query = {"labelSelector": OURS, **query} | ({"continue": after} if after else {})
    return await cluster.request("GET", CONFIG_MAP.path(owner.namespace), query=wanted, accept=accept)


def names(found: Object) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]


async def test_items_of_a_list_are_in_the_order_of_their_names_and_say_no_kind(
    cluster: Cluster, owner: Identity
) -> None:
    await make(cluster, owner, "b", "a")
    found = await listed(cluster, owner)
    assert (found["kind"], names(found)) == ("ConfigMapList", ["a", "b"])
    assert not any("kind" in item for item in found["items"])


async def test_pages_are_of_one_moment(cluster: Cluster, owner: Identity) -> None:
    await make(cluster, owner, "a", "c", "d", "e")
    path = CONFIG_MAP.path(owner.namespace)
    first = await listed(cluster, owner, limit=2)
    assert names(first) == ["a", "c"]
    await make(cluster, owner, "b", "f")
    await cluster.request("DELETE", f"{path}/d")
    second = await listed(cluster, owner, limit=1, after=first["metadata"]["continue"])
    third = await listed(cluster, owner, limit=9, after=second["metadata"]["continue"])
    assert (names(second), names(third)) == (["d"], ["e"])
    pages = [first, second, third]
    assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1
    assert "continue" not in third["metadata"]
    assert names(await listed(cluster, owner)) == ["a", "b", "c", "e", "f"]


async def test_the_rest_is_counted_only_without_a_selector(cluster: Cluster, owner: Identity) -> None:
    await make(cluster, owner, "a", "b", "c")
    selected = await listed(cluster, owner, limit=1)
    assert "remainingItemCount" not in selected["metadata"]
    path = CONFIG_MAP.path(owner.namespace)
    everything = len((await cluster.request("GET", path))["items"])
    found = await cluster.request("GET", path, query={"limit": 1})
    assert found["metadata"]["remainingItemCount"] == everything - 1


async def test_metadata_alone_can_be_listed(cluster: Cluster, owner: Identity) -> None:
    await make(cluster, owner, "a")
    found = await listed(cluster, owner, accept=METADATA_ONLY)
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    (item,) = found["items"]
    assert (item["metadata"]["name"], "data" in item) == ("a", False)


async def test_a_field_that_cannot_be_selected_by_is_refused(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(Invalid) as refused:
        await listed(cluster, owner, fieldSelector="data.colour=blue")
    assert "data.colour" in refused.value.message


async def test_labels_can_be_selected_by_sets(cluster: Cluster, owner: Identity) -> None:
    await make(cluster, owner, "a")
    for selector, found in (("mark in (ours,theirs)", ["a"]), ("mark notin (ours),mark", []), ("mark,!other", ["a"])):
        assert names(await listed(cluster, owner, labelSelector=selector)) == found
    with pytest.raises(Invalid):
        await listed(cluster, owner, labelSelector="mark in ours")


async def test_a_continue_token_that_is_none_is_refused(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(Invalid) as refused:
        await listed(cluster, owner, limit=1, after="nonsense")
    assert "continue" in refused.value.message


async def test_a_version_of_the_future_is_not_waited_for(cluster: Cluster, owner: Identity) -> None:
    future = int((await listed(cluster, owner))["metadata"]["resourceVersion"]) + 1_000_000
    path = CONFIG_MAP.path(owner.namespace)
    with pytest.raises(ServerFault) as refused:
        await cluster.request("GET", path, query={"resourceVersion": str(future)}, repeatable=False)
    assert (refused.value.status, refused.value.reason) == (504, "Timeout")
    assert "Too large resource version" in refused.value.message
    assert [cause["reason"] for cause in refused.value.details["causes"]] == ["ResourceVersionTooLarge"]


async def test_a_version_that_is_none_is_refused(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(KubeError) as refused:
        await listed(cluster, owner, resourceVersion="yesterday")
    assert "yesterday" in refused.value.message


async def test_a_list_at_a_version_that_was_compacted_is_gone(
    cluster: Cluster, owner: Identity, compact: Compact
) -> None:
    await compact()
    with pytest.raises(Gone) as refused:
        await listed(cluster, owner, resourceVersion="2", resourceVersionMatch="Exact")
    assert (refused.value.status, refused.value.reason) == (410, "Expired")
