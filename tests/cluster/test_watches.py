"""Watches as the server sends them: from where they begin, what they tell, how they end."""

import asyncio
from contextlib import aclosing

import pytest

from kube.apply import apply
from kube.clients import MERGE, Cluster
from kube.errors import Invalid, KubeError
from kube.labels import MANAGED, Identity
from kube.manifests import running
from kube.resources import CONFIG_MAP, DEPLOYMENT
from kube.watch import follow
from tests.cluster.pods import Object
from tests.cluster.watching import watching
from tests.kube.plans import web

INITIAL: Object = {"sendInitialEvents": True, "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": True}
OURS = "mark=ours"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


async def make(cluster: Cluster, owner: Identity, name: str, **labels: str) -> Object:
    body = {"metadata": {"name": name, "labels": {"mark": "ours", **labels}}, "data": {"colour": "blue"}}
    return await cluster.request("POST", CONFIG_MAP.path(owner.namespace), body=body)


async def label(cluster: Cluster, owner: Identity, name: str, **labels: str | None) -> Object:
    body = {"metadata": {"labels": labels}}
    return await cluster.request("PATCH", CONFIG_MAP.path(owner.namespace, name), body=body, content_type=MERGE)


def version(found: Object) -> str:
    return str(found["metadata"]["resourceVersion"])


async def test_a_watch_from_a_version_misses_nothing_and_repeats_nothing(cluster: Cluster, owner: Identity) -> None:
    first = await make(cluster, owner, "a")
    await make(cluster, owner, "b")
    async with watching(
        cluster, CONFIG_MAP.path(owner.namespace), labelSelector=OURS, resourceVersion=version(first)
    ) as events:
        assert await events.names(1) == [("ADDED", "b")]
        changed = await label(cluster, owner, "a", again="1")
        assert await events.next() == ("MODIFIED", changed)
        await cluster.request("DELETE", CONFIG_MAP.path(owner.namespace, "a"))
        kind, last = await events.next()
        assert (kind, last["metadata"]["uid"], last["data"]) == ("DELETED", first["metadata"]["uid"], first["data"])
        assert int(version(last)) > int(version(changed))


async def test_a_watch_begins_with_what_exists_where_it_is_asked_to(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    path = CONFIG_MAP.path(owner.namespace)
    async with watching(cluster, path, labelSelector=OURS, **INITIAL) as events:
        assert await events.next() == ("ADDED", made)
        kind, bookmark = await events.next()
        assert (kind, bookmark["kind"]) == ("BOOKMARK", "ConfigMap")
        assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert int(version(bookmark)) >= int(version(made))
        await make(cluster, owner, "b")
        assert await events.names(1) == [("ADDED", "b")]


async def test_the_end_of_what_exists_is_told_to_an_empty_watch_too(cluster: Cluster, owner: Identity) -> None:
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), labelSelector=OURS, **INITIAL) as events:
        kind, bookmark = await events.next()
    assert (kind, bookmark["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})


async def test_what_exists_comes_only_with_its_match(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(Invalid) as refused:
        async with watching(cluster, CONFIG_MAP.path(owner.namespace), sendInitialEvents=True):
            pass
    assert refused.value.message == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting '
        "resourceVersionMatch to NotOlderThan"
    )


async def test_an_object_that_stops_matching_is_deleted_for_that_watch(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    path = CONFIG_MAP.path(owner.namespace)
    async with watching(cluster, path, labelSelector="tier=web", resourceVersion=version(made)) as events:
        await label(cluster, owner, "a", tier="web")
        await label(cluster, owner, "a", tier="db")
        assert await events.names(2) == [("ADDED", "a"), ("DELETED", "a")]


async def test_a_watch_may_be_of_one_object(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    path = CONFIG_MAP.path(owner.namespace)
    async with watching(cluster, path, fieldSelector="metadata.name=a", resourceVersion=version(made)) as events:
        await make(cluster, owner, "b")
        await label(cluster, owner, "a", again="1")
        assert await events.names(1) == [("MODIFIED", "a")]


async def test_a_watch_of_everything_hears_of_every_namespace(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    selector = f"mark=ours,only={owner.namespace}"
    async with watching(cluster, CONFIG_MAP.path(), labelSelector=selector, resourceVersion=version(made)) as events:
        await make(cluster, owner, "b", only=owner.namespace)
        kind, found = await events.next()
    assert (kind, found["metadata"]["name"], found["metadata"]["namespace"]) == ("ADDED", "b", owner.namespace)


async def test_a_watch_ends_cleanly_at_its_time_with_a_bookmark_before(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    query: Object = {"resourceVersion": version(made), "timeoutSeconds": 3, "allowWatchBookmarks": True}
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), labelSelector=OURS, **query) as events:
        told = await events.rest()
    assert {(kind, found["kind"]) for kind, found in told} == {("BOOKMARK", "ConfigMap")}
    assert all(int(version(bookmark)) >= int(version(made)) for _, bookmark in told)
    assert not any("annotations" in bookmark["metadata"] for _, bookmark in told)


async def test_a_watch_that_asks_for_no_bookmarks_gets_none(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    query: Object = {"resourceVersion": version(made), "timeoutSeconds": 3, "labelSelector": OURS}
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), **query) as events:
        assert await events.rest() == []


async def test_a_version_that_is_too_old_is_an_error_in_the_stream(cluster: Cluster, owner: Identity) -> None:
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), resourceVersion="1") as events:
        ((kind, status),) = await events.rest()
    assert (kind, status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


async def test_a_version_of_the_future_is_silent(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    future = str(int(version(made)) + 1_000_000)
    query: Object = {"resourceVersion": future, "timeoutSeconds": 3, "labelSelector": OURS, "allowWatchBookmarks": True}
    async with watching(cluster, CONFIG_MAP.path(owner.namespace), **query) as events:
        await make(cluster, owner, "b")
        assert await events.rest() == []


async def test_a_version_that_is_none_is_refused(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(KubeError) as refused:
        async with watching(cluster, CONFIG_MAP.path(owner.namespace), resourceVersion="yesterday"):
            pass
    assert "yesterday" in refused.value.message


async def test_metadata_alone_can_be_watched(cluster: Cluster, owner: Identity) -> None:
    made = await make(cluster, owner, "a")
    path = CONFIG_MAP.path(owner.namespace)
    async with watching(cluster, path, accept=PARTIAL, labelSelector=OURS, **INITIAL) as events:
        kind, found = await events.next()
        assert (kind, found["kind"], found["apiVersion"]) == ("ADDED", "PartialObjectMetadata", "meta.k8s.io/v1")
        assert (found["metadata"], set(found)) == (made["metadata"], {"kind", "apiVersion", "metadata"})
        kind, bookmark = await events.next()
        assert (kind, bookmark["kind"]) == ("BOOKMARK", "PartialObjectMetadata")
        assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_collection_is_followed_from_what_is_there(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, running(owner, web()))
    path = DEPLOYMENT.path(owner.namespace, "web")
    seen: list[str] = []
    stream = follow(cluster, DEPLOYMENT, namespace=owner.namespace, labels=MANAGED)
    async with asyncio.timeout(20), aclosing(stream) as changes:
        async for change in changes:
            marked = change.object.get("metadata", {}).get("labels", {}).get("mark") == "1"
            if change.type == "SYNCED":
                await cluster.request("PATCH", path, body={"metadata": {"labels": {"mark": "1"}}}, content_type=MERGE)
            elif change.type == "MODIFIED" and marked and "MODIFIED" not in seen:
                await cluster.request("DELETE", path)
            elif change.type == "MODIFIED":
                continue  # the controllers' own
            seen.append(change.type)
            if change.type == "DELETED":
                break
    assert seen == ["ADDED", "SYNCED", "MODIFIED", "DELETED"]
