"""Coming back to a log through the API: with the cursor that came last, every line comes once."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from live.logs import hub
from settings import settings
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox

LOGS = """subscription($id: ID!, $filter: LogFilter, $after: String) {
  instanceLogs(instanceId: $id, filter: $filter, after: $after) {
    is: __typename
    ... on LogBatch { cursor lines { message raw bytes lossy partial truncated } }
    ... on LogGap { source from to reason }
    ... on LogHeartbeat { cursor }
    ... on LogEnd { reason cursor }
  }
}"""


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Small batches, and a hub that is closed when the test ends."""
    for name, value in (("LOG_FLUSH", "0.01"), ("HEARTBEAT", "0.05")):
        monkeypatch.setenv(f"BERTH_{name}", value)
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


async def read(api: Api, id: str, count: int, after: str | None = None, **filter: Any) -> tuple[list[int], str]:
    """The numbers of so many lines or a few more, and the cursor behind them."""
    numbers: list[int] = []
    stream = api.follow(LOGS, id=id, filter=filter, after=after)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            told = event["instanceLogs"]
            assert told["is"] != "LogGap"
            numbers += [int(line["message"].split()[-1]) for line in told.get("lines", ()) if "line" in line["message"]]
            if len(numbers) >= count:
                return numbers, told["cursor"]
    raise AssertionError("the stream ended")


async def test_who_comes_back_a_hundred_times_has_every_line_once(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=500.0)
    id = await sandbox.create()
    numbers, after = await read(sandbox.api, id, 1, services=["web"])
    for turn in range(100):
        if turn % 10 == 9:
            sandbox.simulator.cut("abort")
        if turn % 25 == 24:
            await hub.close()  # as if another process went on
        more, after = await read(sandbox.api, id, 3, after, services=["web"])
        numbers += more
    assert numbers == list(range(1, len(numbers) + 1))


async def refusal(api: Api, id: str, after: str, **filter: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        await anext(api.follow(LOGS, id=id, filter=filter, after=after))
    assert "INVALID_CURSOR" in str(caught.value)
    return str(caught.value)


async def test_a_cursor_counts_for_its_own_instance_and_filter_only(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    _, after = await read(sandbox.api, id, 1)
    assert "The cursor came with another filter." in await refusal(sandbox.api, id, after, services=["web"])
    other = await makers.instance(sandbox.world, name="other", namespace="shop-other")
    assert "The cursor is one of another instance." in await refusal(sandbox.api, other.id, after)
    for text in ("made up", after[:-1], after[1:], f"A{after}"):
        assert "is no cursor of a log here." in await refusal(sandbox.api, id, text)


async def test_every_heartbeat_and_the_end_of_a_stream_say_where_to_go_on(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    cursors: dict[str, set[str]] = {}
    async with aclosing(sandbox.api.follow(LOGS, id=id)) as events:  # type: ignore[type-var]
        async for event in events:
            told = event["instanceLogs"]
            if "LogBatch" in cursors or told["is"] != "LogHeartbeat":  # before it begins there is nothing to say
                cursors.setdefault(told["is"], set()).add(told.get("cursor"))
            if {"LogHeartbeat", "LogBatch"} <= cursors.keys():
                await hub.close()
            if told["is"] == "LogEnd":
                assert told["reason"] == "SERVER_DRAIN"
    assert {"LogHeartbeat", "LogBatch", "LogEnd"} <= cursors.keys()
    for kind in ("LogHeartbeat", "LogBatch", "LogEnd"):
        assert all(cursors[kind])
    [after] = cursors["LogEnd"]
    numbers, _ = await read(sandbox.api, id, 1, after)
    assert numbers
