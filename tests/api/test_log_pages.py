"""Pages of a log's past: they lead from the end to the beginning, and from any cursor on to what is live."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from live.logs import hub
from rules.enums import InstanceState
from settings import settings
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox
from tests.kit.waiting import until

PAGE = """query($id: ID!, $filter: LogFilter, $before: String, $after: String, $limit: Int! = 10) {
  logs(instanceId: $id, filter: $filter, before: $before, after: $after, limit: $limit) {
    lines { seq timestamp source message plain level }
    sources { index service containerId }
    gaps { source from to reason }
    startCursor endCursor hasMore
    horizon { source at reason }
  }
}"""
LIVE = """subscription($id: ID!, $filter: LogFilter, $after: String) {
  instanceLogs(instanceId: $id, filter: $filter, after: $after) {
    is: __typename
    ... on LogBatch { cursor lines { message } }
  }
}"""


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Small batches, and a hub that is closed when the test ends."""
    monkeypatch.setenv("BERTH_LOG_FLUSH", "0.01")
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


async def page(api: Api, id: str, **more: Any) -> Any:
    return (await api.query(PAGE, id=id, **more))["logs"]


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [int(line["message"].split()[-1]) for line in lines if "line" in line["message"]]


async def live(api: Api, id: str, count: int, **more: Any) -> tuple[list[int], str]:
    """The numbers of so many live lines or a few more, and the cursor behind them."""
    found: list[int] = []
    stream = api.follow(LIVE, id=id, **more)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            told = event["instanceLogs"]
            found += numbers(told.get("lines", ()))
            if len(found) >= count:
                return found, told["cursor"]
    raise AssertionError("the stream ended")


WEB = {"services": ["web"]}


async def test_pages_lead_back_to_the_first_line_and_say_that_it_is_the_first(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=1000.0)
    id = await sandbox.create()
    seen, before = await live(sandbox.api, id, 200, filter=WEB)
    pages = []
    while True:
        found = await page(sandbox.api, id, filter=WEB, before=before, limit=50)
        pages.append(numbers(found["lines"]))
        assert found["gaps"] == []
        before = found["startCursor"]
        if not found["hasMore"]:
            break
    assert [number for each in reversed(pages) for number in each] == list(range(1, seen[-1] + 1))
    assert found["lines"][0]["message"] == "web: starting"
    [horizon] = found["horizon"]
    assert (horizon["reason"], horizon["at"]) == ("START", found["lines"][0]["timestamp"])
    again = await page(sandbox.api, id, filter=WEB, before=before)
    assert (again["lines"], again["hasMore"]) == ([], False)


async def test_a_page_goes_on_to_the_next_one_and_to_what_is_live(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=200.0)
    id = await sandbox.create()
    await live(sandbox.api, id, 60, filter=WEB)
    last = await page(sandbox.api, id, filter=WEB, limit=40)
    first = await page(sandbox.api, id, filter=WEB, before=last["startCursor"], limit=10)
    again = await page(sandbox.api, id, filter=WEB, after=first["endCursor"], limit=40)
    assert again["lines"] == [{**line, "source": again["lines"][0]["source"]} for line in last["lines"]]
    known = numbers(first["lines"]) + numbers(last["lines"])
    more, _ = await live(sandbox.api, id, 30, filter=WEB, after=last["endCursor"])
    assert known + more == list(range(known[0], known[0] + len(known) + len(more)))
    between, _ = await live(sandbox.api, id, 50, filter=WEB, after=last["startCursor"])
    assert between == list(range(numbers(last["lines"])[0], between[-1] + 1))


async def test_containers_are_merged_by_time_and_paged_together(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=100.0)
    id = await sandbox.create()
    await live(sandbox.api, id, 100)
    found = await page(sandbox.api, id, limit=60)
    times = [int(line["timestamp"]) for line in found["lines"]]
    assert times == sorted(times)
    assert {source["service"] for source in found["sources"]} == {"cache", "web", "worker"}
    assert {line["source"] for line in found["lines"]} == {source["index"] for source in found["sources"]}
    lines: dict[int, list[int]] = {}
    before = None
    for _ in range(100):
        found = await page(sandbox.api, id, limit=25, before=before)
        for line in reversed(found["lines"]):
            if "line" in line["message"]:
                lines.setdefault(line["source"], []).append(int(line["message"].split()[-1]))
        before = found["startCursor"]
        if not found["hasMore"]:
            break
    assert len(lines) == 3
    assert all(each == list(range(each[0], 0, -1)) for each in lines.values())


async def test_the_filter_is_that_of_what_is_live(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(rate=200.0, line="{name} line {n}")
    id = await sandbox.create()
    await live(sandbox.api, id, 150, filter=WEB)
    wanted = {**WEB, "contains": "LINE 1"}
    found = await page(sandbox.api, id, filter=wanted, limit=5)
    older = await page(sandbox.api, id, filter=wanted, before=found["startCursor"], limit=1000)
    all = [int(str(number)) for number in numbers(older["lines"]) + numbers(found["lines"])]
    assert all == [number for number in range(1, all[-1] + 1) if str(number).startswith("1")]


async def test_the_runs_before_can_be_paged_too(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(image="*worker*", exit="3", after=0.05, rate=1000.0, last="out of memory")
    id = await sandbox.create()
    wanted = {"services": ["worker"], "previous": True}

    async def last_words() -> list[str]:
        return [line["message"] for line in (await page(sandbox.api, id, filter=wanted, limit=1))["lines"]]

    await until(last_words, ["out of memory"])
    found = await page(sandbox.api, id, filter=wanted)
    older = await page(sandbox.api, id, filter=wanted, before=found["startCursor"], limit=1000)
    assert older["lines"][0]["message"] == "worker: starting"
    assert not older["hasMore"]
    newer = await page(sandbox.api, id, filter=wanted, after=older["endCursor"])
    assert [line["message"] for line in newer["lines"]] == [line["message"] for line in found["lines"]]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"limit": 0}, "INVALID_INPUT"),
        ({"limit": 1_001}, "INVALID_INPUT"),
        ({"before": "x", "after": "y"}, "INVALID_INPUT"),
        ({"before": "x"}, "INVALID_CURSOR"),
        ({"after": "x"}, "INVALID_CURSOR"),
        ({"filter": {"contains": "x" * 10_240}}, "INVALID_INPUT"),
    ],
)
async def test_what_cannot_be_is_refused(opened_database: str, more: dict[str, Any], code: str) -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    assert (await Api(world.owner).ask(PAGE, id=instance.id, **more)).codes == [code]


async def test_what_has_no_logs_says_so(opened_database: str) -> None:
    world = await makers.world()
    errored = await makers.instance(world, state=InstanceState.ERRORED)
    assert (await Api(world.owner).ask(PAGE, id=errored.id)).codes == ["OPERATION_BLOCKED"]
    assert (await Api((await makers.world(name="other")).owner).ask(PAGE, id=errored.id)).codes == ["NOT_FOUND"]
    assert (await Api(world.owner).ask(PAGE, id="ins_none")).codes == ["NOT_FOUND"]


async def test_a_cluster_that_does_not_answer_is_said(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    sandbox.simulator.fault("refuse")
    assert (await sandbox.api.ask(PAGE, id=id)).codes == ["CLUSTER_UNAVAILABLE"]
