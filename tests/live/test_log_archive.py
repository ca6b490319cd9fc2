"""Pages of the past: what is not there any more is told, and where the past ends."""

from live.log_events import LogGap, LogHorizon, LogPage
from live.log_filter import Filter
from live.logs import Hub
from tests.live.pods import HOME, SECOND, Container, FakeInstance, hub_of, line, lines


async def page(hub: Hub, limit: int = 3, **options: str) -> LogPage:
    wanted = {"before": None, "after": None, **options}
    return await hub.page(HOME, Filter(), limit, before=wanted["before"], after=wanted["after"], horizon=True)


def texts(found: LogPage) -> list[str]:
    return [each.plain for each in found.lines]


async def test_pages_go_through_the_run_before_and_back() -> None:
    first, second = Container(run="run-1", past=lines(1, 4)), Container(run="run-2", past=lines(5, 8))
    instance = FakeInstance()
    instance.add(first)
    instance.tell("JOINED", second, before="run-1", restarts=1)
    hub = hub_of(instance)
    last = await page(hub)
    middle = await page(hub, before=last.start_cursor)
    top = await page(hub, before=middle.start_cursor)
    assert [texts(each) for each in (top, middle, last)] == [
        ["line 1", "line 2"],
        ["line 3", "line 4", "line 5"],
        ["line 6", "line 7", "line 8"],
    ]
    assert [each.has_more for each in (top, middle, last)] == [False, True, True]
    assert texts(await page(hub, after=top.end_cursor)) == texts(middle)
    assert texts(await page(hub, after=top.start_cursor)) == ["line 1", "line 2", "line 3"]
    assert texts(await page(hub, after=last.end_cursor)) == []
    assert len({source.container_id for source in last.sources}) == 2


async def test_lines_that_the_node_has_no_more_are_told_as_a_gap() -> None:
    after = (await page(hub_of(FakeInstance(Container(past=lines(1, 4)))))).end_cursor
    found = await page(hub_of(FakeInstance(Container(past=lines(8, 9)))), after=after)
    assert texts(found) == ["line 8", "line 9"]
    assert found.gaps == (LogGap(0, 4 * SECOND, 8 * SECOND, "ROTATION"),)


async def test_containers_that_are_gone_are_told_once_on_the_way_back() -> None:
    web, worker = Container("web", past=[line(5)]), Container("worker", "worker-1", past=lines(1, 4))
    before = (await page(hub_of(FakeInstance(web, worker)), limit=1)).end_cursor
    hub = hub_of(FakeInstance(worker))
    found = await page(hub, limit=2, before=before)
    assert texts(found) == ["line 3", "line 4"]
    assert found.gaps == (LogGap(None, 0, 5 * SECOND, "REMOVED"),)
    assert (await page(hub, limit=2, before=found.start_cursor)).gaps == ()


async def test_a_container_that_came_later_has_nothing_before() -> None:
    before = (await page(hub_of(FakeInstance(Container(past=lines(1, 4)))))).end_cursor
    later = Container(pod="web-2", past=[line(9)])
    hub = hub_of(FakeInstance(Container(past=lines(1, 4)), later))
    assert texts(await page(hub, before=before)) == ["line 2", "line 3", "line 4"]
    assert texts(await page(hub, after=before)) == ["line 9"]


async def test_the_horizon_says_why_there_is_nothing_older() -> None:
    instance = FakeInstance()
    for pod, run, first, started, restarts in (
        ("web-1", "run-1", 12, 10, 0),
        ("web-2", "run-1", 60, 10, 0),
        ("web-3", "run-9", 12, 10, 8),
    ):
        instance.tell(
            "JOINED", Container(pod=pod, run=run, past=[line(first)]), started=started * SECOND, restarts=restarts
        )
    found = await page(hub_of(instance))
    assert found.horizon == (
        LogHorizon(0, 12 * SECOND, "START"),
        LogHorizon(1, 60 * SECOND, "ROTATION"),
        LogHorizon(2, 12 * SECOND, "REMOVED"),
    )


async def test_the_bytes_of_a_page_are_bounded_and_it_is_gone_through_all_the_same() -> None:
    web = Container(past=[line(number, f"{number} {'x' * 60_000}") for number in range(1, 201)])
    hub = hub_of(FakeInstance(web))
    found = await page(hub, limit=1_000)
    seen = [int(each.plain.split()[0]) for each in found.lines]
    while found.has_more:
        assert len(found.lines) <= 70
        found = await page(hub, limit=1_000, before=found.start_cursor)
        seen = [int(each.plain.split()[0]) for each in found.lines] + seen
    assert seen == list(range(1, 201))
    after, back = found.start_cursor, 0
    while True:
        found = await page(hub, limit=1_000, after=after)
        back, after = back + len(found.lines), found.end_cursor
        if not found.has_more:
            break
    assert back == 200
