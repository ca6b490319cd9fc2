"""How many logs are read at once: what there is no room for is said, and read when there is."""

from collections.abc import AsyncIterator

import pytest

from live.log_events import LogBatch, LogLifecycle, LogSources
from live.log_filter import Filter
from live.logs import Home, Hub
from settings import settings
from tests.kit.waiting import until
from tests.live.pods import HOME, KEYRING, Container, FakeInstance, events, hub_of, line, read, told


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Room for two logs of a node, and for three of a cluster."""
    for name, value in (
        ("LOG_FLUSH", "0.001"),
        ("LOG_OPENING", "0.05"),
        ("LOG_LINGER", "60"),
        ("LOG_UPSTREAMS_PER_NODE", "2"),
        ("LOG_UPSTREAMS_PER_CLUSTER", "3"),
    ):
        monkeypatch.setenv(f"BERTH_{name}", value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def pods(first: int, last: int) -> list[Container]:
    return [Container(pod=f"web-{number}", past=[line(number)]) for number in range(first, last + 1)]


async def test_a_log_beyond_a_nodes_room_is_said_to_wait_and_read_when_another_ends() -> None:
    one, two, three = pods(1, 3)
    instance = FakeInstance(synced=False)
    for each in (one, two, three):
        instance.tell("JOINED", each, node="node-1")
    instance.sync()
    with hub_of(instance).stream("usr_1", HOME, Filter()) as stream:
        sources, batch, held = await told(stream.viewer, 3)
        assert isinstance(sources, LogSources)
        assert isinstance(batch, LogBatch)
        assert [each.message for each in batch.lines] == ["line 1", "line 2"]
        assert isinstance(held, LogLifecycle)
        assert (held.type, held.source, held.reason) == ("HELD", 2, "UPSTREAMS_PER_NODE")
        assert held.message == "At most 2 logs of one node are read at once; this one is when another ends."
        one.end()
        assert await read(stream.viewer, 1) == ["line 3"]


async def test_a_cluster_has_room_for_so_many_whatever_their_instances_and_who_is_gone_makes_room() -> None:
    async def open(_cluster_id: str, namespace: str) -> FakeInstance:
        return FakeInstance(*(pods(1, 2) if namespace == "shop-dev" else pods(3, 4)))

    hub = Hub(open, lambda: KEYRING)
    other = Home("ins_2", "cls_1", "shop-test")
    with hub.stream("usr_1", other, Filter()) as there:
        assert await read(there.viewer, 2) == ["line 3", "line 4"]
        with hub.stream("usr_1", HOME, Filter()) as here:
            async for event in events(here.viewer):
                if isinstance(event, LogLifecycle):
                    assert (event.type, event.reason) == ("HELD", "UPSTREAMS_PER_CLUSTER")
                    break
            assert here.heartbeat().upstreams == 1
    with hub.stream("usr_1", Home("ins_3", "cls_1", "shop-test"), Filter()) as there:
        assert await read(there.viewer, 2) == ["line 3", "line 4"]


async def test_who_has_gone_leaves_no_place_behind() -> None:
    hub = hub_of(FakeInstance(*pods(1, 2)))
    with hub.stream("usr_1", HOME, Filter()) as stream:
        assert await read(stream.viewer, 2) == ["line 1", "line 2"]
    await hub.close()
    room = hub._room("cls_1")

    async def taken() -> int:
        return room._taken

    await until(taken, 0)
