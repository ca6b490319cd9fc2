"""A followed collection misses nothing: through clean ends, broken streams, versions too old, silence and refusals."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from kube import collection, watch
from kube.clients import Cluster
from kube.errors import Forbidden
from kube.resources import SECRET
from kube.watch import Change, follow
from simulator.simulator import Simulator


class Pauses:
    """Stands where sleep would: notes what it was asked for and passes at once."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.then: Callable[[], None] = lambda: None

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.then()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@asynccontextmanager
async def followed(cluster: Cluster, pauses: Pauses, **options: Any) -> AsyncIterator[AsyncGenerator[Change, None]]:
    async with aclosing(follow(cluster, SECRET, namespace="default", sleep=pauses, **options)) as changes:
        yield changes


async def put(cluster: Cluster, name: str, value: str = "1", **labels: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "stringData": {"value": value},
    }
    await cluster.request(
        "PATCH",
        SECRET.path("default", name),
        query={"fieldManager": "test"},
        body=body,
        content_type="application/apply-patch+yaml",
    )


async def remove(cluster: Cluster, name: str) -> None:
    await cluster.request("DELETE", SECRET.path("default", name))


async def take(changes: AsyncGenerator[Change, None], number: int) -> list[tuple[str, str]]:
    """The next changes: type, and name or code of the error."""
    found: list[tuple[str, str]] = []
    for _ in range(number):
        change = await anext(changes)
        found.append(
            (change.type, change.error.code if change.error else change.object.get("metadata", {}).get("name", ""))
        )
    return found


async def test_a_stream_that_ends_cleanly_is_resumed_without_a_list(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    await put(cluster, "a")
    async with followed(cluster, pauses) as changes:
        assert await take(changes, 2) == [("ADDED", "a"), ("SYNCED", "")]
        await put(cluster, "b")
        assert await take(changes, 1) == [("ADDED", "b")]
        simulator.cut("clean")
        await put(cluster, "a", "2")
        assert await take(changes, 1) == [("MODIFIED", "a")]
    assert pauses.asked == [watch.SHORT_PAUSE]


async def test_a_stream_that_breaks_is_resumed_without_a_list(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    async with followed(cluster, pauses) as changes:
        assert await take(changes, 1) == [("SYNCED", "")]
        await put(cluster, "a")
        assert await take(changes, 1) == [("ADDED", "a")]
        simulator.cut("abort")
        await put(cluster, "b")
        assert await take(changes, 1) == [("ADDED", "b")]


async def test_a_version_too_old_inside_the_stream_lists_again_and_tells_the_difference(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    for name in ("gone", "same", "changed"):
        await put(cluster, name)
    async with followed(cluster, pauses) as changes:
        await take(changes, 4)
        simulator.fault("silence", verb="watch")
        await put(cluster, "changed", "2")
        await remove(cluster, "gone")
        await put(cluster, "new")
        simulator.compact()
        simulator.clear_faults()
        assert await take(changes, 5) == [
            ("SYNCING", ""),
            ("MODIFIED", "changed"),
            ("ADDED", "new"),
            ("DELETED", "gone"),
            ("SYNCED", ""),
        ]


async def test_a_cluster_without_watch_lists_is_read_in_pages(
    simulator: Simulator, cluster: Cluster, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "PAGE", 2)
    simulator.fault("status", verb="watch", code=422, times=1)
    for number in range(5):
        await put(cluster, f"m{number}")
    async with followed(cluster, pauses) as changes:
        found = await take(changes, 6)
        await put(cluster, "later")
        found += await take(changes, 1)
    assert found == [("ADDED", f"m{number}") for number in range(5)] + [("SYNCED", ""), ("ADDED", "later")]


async def test_only_what_the_selector_names_is_told(cluster: Cluster, pauses: Pauses) -> None:
    await put(cluster, "mine", app="shop")
    await put(cluster, "other", app="blog")
    async with followed(cluster, pauses, labels="app=shop") as changes:
        assert await take(changes, 2) == [("ADDED", "mine"), ("SYNCED", "")]
        await put(cluster, "mine", app="blog")
        assert await take(changes, 1) == [("DELETED", "mine")]


async def test_a_refusal_is_asked_again_only_after_a_minute(
    simulator: Simulator, cluster: Cluster, pauses: Pauses
) -> None:
    simulator.fault("deny", verb="list", times=1)
    simulator.fault("deny", verb="watch", times=1)
    async with followed(cluster, pauses) as changes:
        change = await anext(changes)
        assert isinstance(change.error, Forbidden)
        assert await take(changes, 1) == [("SYNCED", "")]
    assert pauses.asked == [watch.SHORT_PAUSE, watch.DENIED]
