"""A log read backwards: the lines before any line, whatever the node can do."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kube.errors import NotFound, ServerFault
from kube.lines import parse_time
from kube.log_past import Past, Wanted, Window
from kube.log_records import Line, Position, Source
from tests.kube.serving import served

SOURCE = Source("shop-dev", "web-1", "uid-1", "web", "containerd://1")


def stamp(second: float) -> str:
    hours, rest = divmod(round(second * 1000), 3_600_000)
    return f"2026-01-01T{hours:02}:{rest // 60_000:02}:{rest // 1000 % 60:02}.{rest % 1000:03}000000Z"


class Node:
    """Answers as a kubelet does from the file it has, and remembers what it was asked."""

    def __init__(self, lines: list[str], says: str = "") -> None:
        self.lines = lines
        self.says = says
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        query = request.query
        self.asked.append({key: query[key] for key in ("tailLines", "sinceTime", "limitBytes") if key in query})
        assert (query["timestamps"], query["previous"], "follow" in query) == ("true", "false", False)
        lines = self.lines
        if "tailLines" in query:
            lines = lines[max(0, len(lines) - int(query["tailLines"])) :]
        if "sinceTime" in query:
            since = parse_time(query["sinceTime"].encode())
            lines = [line for line in lines if parse_time(line.split()[0].encode()) >= since]
        body = (self.says + "".join(f"{line}\n" for line in lines)).encode()
        return web.Response(body=body[: int(query.get("limitBytes", len(body)))])


@asynccontextmanager
async def past(node: Node) -> AsyncIterator[Past]:
    async with served(node.answer) as cluster:
        yield Past(cluster, SOURCE, False)


async def windows(made: Past, wanted: Wanted) -> list[Window]:
    return [window async for window in made.before(wanted)]


def passes(_line: Line) -> bool:
    return True


def numbers(found: list[Window]) -> list[int]:
    """The numbers of the lines of windows that were given from the last one to the first."""
    return [int(line.message) for window in reversed(found) for line in window.lines]


async def paged(made: Past, limit: int, **wanted: object) -> list[list[int]]:
    """All pages, from the last one to the first."""
    pages: list[list[int]] = []
    end: Position | None = None
    while True:
        found = await windows(made, Wanted(limit, passes, end))
        lines = [line for window in reversed(found) for line in window.lines][-limit:]
        if not lines:
            return pages
        pages.append([int(line.message) for line in lines])
        end = lines[0].position


@pytest.mark.parametrize("step", [0.0, 0.001, 1.0, 500.0], ids=["one time", "fast", "slow", "rare"])
async def test_pages_lead_from_the_last_line_to_the_first_and_leave_none_out(step: float) -> None:
    node = Node([f"{stamp(10 + number * step)} {number}" for number in range(100)])
    async with past(node) as made:
        pages = await paged(made, 30)
    assert [number for page in reversed(pages) for number in page] == list(range(100))
    assert [len(page) for page in pages] == [30, 30, 30, 10]


async def test_a_page_at_the_end_costs_little_more_than_its_lines() -> None:
    node = Node([f"{stamp(number / 10)} {number}" for number in range(5_000)])
    async with past(node) as made:
        found = await windows(made, Wanted(10, passes))
        assert numbers(found) == list(range(4_990, 5_000))
        [window] = found
        end = window.lines[0].position
        assert numbers(await windows(made, Wanted(10, passes, end))) == list(range(4_980, 4_990))
    assert node.asked == [{"tailLines": "74"}, {"sinceTime": "2026-01-01T00:08:09Z"}]


async def test_what_is_looked_for_rarely_is_found_by_growing_windows() -> None:
    node = Node([f"{stamp(number)} {number}" for number in range(20_000)])
    async with past(node) as made:
        found = await windows(made, Wanted(3, lambda line: int(line.message) % 9_000 == 0))
    assert numbers(found)[-3:] == [0, 9_000, 18_000]
    assert len(node.asked) == 5
    assert [window.whole for window in found] == [False, False, False, False, True]


async def test_the_end_may_be_with_its_line_and_among_lines_of_its_time() -> None:
    node = Node([f"{stamp(number // 4)} {number}" for number in range(100)])
    async with past(node) as made:
        [all] = await windows(made, Wanted(200, passes))
        for at in range(100):
            end = list(all.lines)[at].position
            for inclusive in (False, True):
                found = await windows(made, Wanted(200, passes, end, inclusive))
                assert numbers(found) == list(range(at + inclusive))


async def test_lines_that_came_a_little_out_of_order_are_in_their_place() -> None:
    lines = [f"{stamp(number)} {number}" for number in range(0, 40, 2)]
    for number in range(3, 39, 4):
        lines.insert(lines.index(f"{stamp(number + 1)} {number + 1}") + 1, f"{stamp(number + 0.9)} {number}")
    order = [int(line.split()[1]) for line in lines]
    async with past(Node(lines)) as made:
        pages = await paged(made, 7)
    assert [number for page in reversed(pages) for number in page] == order


async def test_nothing_is_before_a_line_that_is_not_there_any_more() -> None:
    async with past(Node([f"{stamp(100)} 1", f"{stamp(101)} 2"])) as made:
        gone = Position(parse_time(stamp(50).encode()), 1, 1, parse_time(stamp(50).encode()))
        [window] = await windows(made, Wanted(10, passes, gone))
        assert (list(window.lines), window.whole) == ([], True)
        late = Position(parse_time(stamp(150).encode()), 1, 1, parse_time(stamp(150).encode()))
        [window] = await windows(made, Wanted(10, passes, late))
        assert (list(window.lines), window.whole) == ([], True)


async def test_a_page_is_bounded_also_in_bytes() -> None:
    async with past(Node([f"{stamp(number)} {'x' * 60_000}" for number in range(200)])) as made:
        [window] = await windows(made, Wanted(1_000, passes))
    assert window.overflowed
    assert len(window.lines) == 4 * 1024 * 1024 // 60_000


async def test_what_the_node_says_is_no_line_and_a_log_that_is_gone_is_an_error() -> None:
    async with past(Node([], "unable to retrieve container logs for containerd://1\n")) as made:
        with pytest.raises(ServerFault, match="unable to retrieve"):
            await windows(made, Wanted(10, passes))

    async def gone(_request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "code": 404, "message": "gone"}, status=404)

    async with served(gone) as cluster:
        with pytest.raises(NotFound):
            await windows(Past(cluster, SOURCE, False), Wanted(10, passes))


async def test_the_first_time_costs_a_few_bytes() -> None:
    node = Node([f"{stamp(number + 5)} {'x' * 1_000}" for number in range(100)])
    async with past(node) as made:
        assert await made.first() == parse_time(stamp(5).encode())
    assert Counter(len(asked) for asked in node.asked) == {1: 1}
    async with past(Node([])) as made:
        assert await made.first() is None
