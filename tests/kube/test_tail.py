"""One container's log through everything that cuts it: nothing twice, nothing lost without a mark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from zlib import crc32

import orjson
import pytest
from aiohttp import web

from kube.errors import Forbidden
from kube.log_records import Fault, Gap, Line, Position, Record, Source, Standing
from kube.tail import Tail
from tests.kube.serving import served

SOURCE = Source("shop-dev", "web-1", "uid-1", "web", "containerd://1")
SECOND = 10**9
START = 1_767_225_600 * SECOND
NOWHERE = Position(0, 0, 0, 0)
LOST = Gap(0, 0, "REMOVED")


def stamped(seconds: float, message: str) -> str:
    ns = round(seconds * 1000) * 10**6
    return f"2026-01-01T00:{ns // SECOND // 60:02}:{ns // SECOND % 60:02}.{ns % SECOND:09}Z {message}\n"


def line(seconds: float, message: str) -> Line:
    return Line(START + round(seconds * 1000) * 10**6, message, len(message), NOWHERE)


class Node:
    """Answers one connection after the other as it was told; the container's standing follows from what is left."""

    def __init__(self, *answers: str | bytes | int, ended: Standing = "GONE", abort: bool = False) -> None:
        self.answers = list(answers)
        self.ended: Standing = ended
        self.abort = abort
        self.queries: list[dict[str, str]] = []
        self.pauses: list[float] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            body = orjson.dumps({"kind": "Status", "code": answer, "message": "no"})
            return web.Response(status=answer, body=body, content_type="application/json")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(answer.encode() if isinstance(answer, str) else answer)
        if self.abort and request.transport is not None and self.answers:
            request.transport.abort()
        return response

    def standing(self) -> Standing:
        """RUNNING as long as there is more than one answer left; then what it ended as; GONE when nothing is left."""
        return "RUNNING" if len(self.answers) > 1 else self.ended if self.answers else "GONE"

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def tail(node: Node, **options: Any) -> AsyncIterator[Tail]:
    async with served(node.answer) as cluster:
        yield Tail(cluster, SOURCE, node.standing, sleep=node.pause, **options)


async def messages(node: Node, **options: Any) -> list[str]:
    return texts(await read(node, **options))


def texts(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Line)]


async def read(node: Node, **options: Any) -> list[Record]:
    async with tail(node, **options) as made:
        return [record async for records in made.records() for record in records]


async def test_a_connection_that_ends_is_resumed_by_the_second_without_repeating() -> None:
    first = stamped(1.1, "a") + stamped(1.2, "b")
    node = Node(first, first + stamped(1.2, "b") + stamped(2.5, "c"), ended="ENDED")
    assert await read(node) == [line(1.1, "a"), line(1.2, "b"), line(1.2, "b"), line(2.5, "c")]
    assert [(q["follow"], q.get("sinceTime")) for q in node.queries] == [
        ("true", None),
        ("false", "2026-01-01T00:00:01Z"),
    ]


async def test_a_connection_that_breaks_in_a_line_gives_the_line_once() -> None:
    node = Node(
        stamped(1, "a") + "2026-01-01T00:00:01.5", stamped(1, "a") + stamped(1.5, "whole"), ended="ENDED", abort=True
    )
    assert await read(node) == [line(1, "a"), line(1.5, "whole")]


async def test_many_lines_of_one_nanosecond_are_each_given_once() -> None:
    same = stamped(1, "tick") * 3
    node = Node(same, same + stamped(1, "tick") + stamped(1, "tock"), ended="ENDED")
    assert await read(node) == [line(1, "tick")] * 4 + [line(1, "tock")]


async def test_a_vanished_second_is_marked_as_a_gap_once() -> None:
    node = Node(stamped(1, "a"), stamped(9, "z") + stamped(9.5, "zz"), ended="ENDED")
    assert await read(node) == [
        line(1, "a"),
        Gap(START + SECOND, START + 9 * SECOND, "ROTATION"),
        line(9, "z"),
        line(9.5, "zz"),
    ]


async def test_lines_from_before_the_first_are_not_given_on_a_resume() -> None:
    past = "".join(stamped(1 + number / 1000, f"line {number}") for number in range(100))
    node = Node(past, stamped(0.5, "old") + past + stamped(1.5, "new"), ended="ENDED")
    async with tail(node) as made:
        assert texts((await made.history(3)).records) == ["line 97", "line 98", "line 99"]
        assert [record async for records in made.records() for record in records] == [line(1.5, "new")]
    assert node.queries[0]["tailLines"] == "67"
    assert "tailLines" not in node.queries[1]


async def test_lines_read_a_second_time_in_one_stream_are_dropped() -> None:
    old = stamped(1, "a") + stamped(5, "b") + stamped(6, "c")
    assert await read(Node(old + old + stamped(6.5, "d"), ended="ENDED")) == [
        line(1, "a"),
        line(5, "b"),
        line(6, "c"),
        line(6.5, "d"),
    ]


async def test_a_late_line_of_the_other_output_is_kept() -> None:
    node = Node(stamped(1.9, "out") + stamped(2.1, "out") + stamped(1.95, "err"), ended="ENDED")
    assert await read(node) == [line(1.9, "out"), line(2.1, "out"), line(1.95, "err")]


async def test_a_clock_set_back_is_marked_when_nothing_else_comes() -> None:
    times = iter([0.0, 3.0, 6.0])
    text = stamped(50, "before") + stamped(1, "x") + stamped(2, "y") + stamped(3, "z") + stamped(4, "on")
    assert await read(Node(text, ended="ENDED"), clock=lambda: next(times)) == [
        line(50, "before"),
        Gap(START + 50 * SECOND, START + 3 * SECOND, "CLOCK_STEP"),
        line(3, "z"),
        line(4, "on"),
    ]


async def test_a_headless_line_after_a_resume_is_dropped_and_elsewhere_kept() -> None:
    node = Node(stamped(1, "long-part1"), "long-part2\n" + stamped(1, "long-part1") + "more\n", ended="ENDED")
    assert await read(node) == [line(1, "long-part1"), Line(START + SECOND, "more", 4, NOWHERE, partial=True)]


async def test_a_piece_of_a_line_is_given_once_through_every_resume() -> None:
    text = stamped(1, "one") + "more\n" + stamped(1.5, "two")
    assert await messages(Node(text, text, text, ended="ENDED")) == ["one", "more", "two"]


async def test_a_text_before_the_first_line_is_what_the_node_says() -> None:
    assert await read(Node("who knows\n" + stamped(1, "a"), ended="ENDED")) == [Fault("who knows"), line(1, "a")]


async def test_an_error_of_the_node_is_no_line() -> None:
    node = Node("failed to create fsnotify watcher: too many open files\n", stamped(1, "a"), ended="ENDED")
    assert await read(node) == [Fault("failed to create fsnotify watcher: too many open files"), line(1, "a")]


async def test_a_container_that_has_not_started_is_asked_again_with_growing_pauses() -> None:
    node = Node(400, 400, 503, stamped(1, "a"), ended="ENDED")
    assert await read(node) == [line(1, "a")]
    assert [0.2 * 2**n <= pause <= 0.4 * 2**n for n, pause in enumerate(node.pauses)] == [True] * 3


async def test_the_rest_of_a_run_before_a_restart_is_read_from_the_one_before() -> None:
    node = Node(stamped(1, "a"), stamped(1, "a") + stamped(1.5, "last words"), ended="REPLACED")
    assert await read(node) == [line(1, "a"), line(1.5, "last words")]
    assert (node.queries[1]["previous"], node.queries[1]["follow"]) == ("true", "false")


async def test_the_rest_of_an_ended_run_may_lack_its_newline() -> None:
    assert await read(Node(stamped(1, "a") + stamped(2, "b").strip(), ended="ENDED")) == [
        line(1, "a"),
        replace(line(2, "b"), partial=True),
    ]


async def test_a_rest_that_cannot_be_read_is_tried_again() -> None:
    assert await read(Node(500, stamped(1, "a"), ended="ENDED")) == [line(1, "a")]


async def test_a_pod_that_is_gone_ends_the_tail() -> None:
    assert await read(Node(404, ended="ENDED")) == [LOST]
    assert await read(Node()) == [LOST]


async def test_a_pod_that_goes_after_its_stream_ended_lacks_nothing() -> None:
    assert await read(Node(stamped(1, "a"), 404, ended="ENDED")) == [line(1, "a")]


async def test_a_pod_that_goes_while_its_node_is_away_is_marked() -> None:
    assert await read(Node(stamped(1, "a"), 500, 404, ended="ENDED")) == [
        line(1, "a"),
        Gap(START + SECOND, 0, "REMOVED"),
    ]


async def test_a_refusal_is_raised() -> None:
    with pytest.raises(Forbidden):
        await read(Node(403, ended="ENDED"))


async def test_history_is_one_read_and_records_go_on_behind_it() -> None:
    first = stamped(1, "a") + stamped(1.1, "b")
    node = Node(first, first + stamped(1.2, "c"), ended="ENDED")
    async with tail(node) as made:
        past = await made.history(2)
        assert (past.records, past.whole) == ([line(1, "a"), line(1.1, "b")], True)
        assert [record async for records in made.records() for record in records] == [line(1.2, "c")]
    assert [q.get("tailLines") for q in node.queries] == ["66", None]


async def test_a_history_begins_with_no_line_whose_place_is_not_known() -> None:
    same = stamped(1, "same") * 300
    past, more = same + stamped(2, "b"), stamped(0.5, "a") + same + stamped(2, "b")
    node = Node("".join(past.splitlines(True)[-66:]), more, more, ended="ENDED")
    async with tail(node) as made:
        found = (await made.history(2)).records
        assert [(record.message, record.position.ordinal) for record in found if isinstance(record, Line)] == [
            ("same", 300),
            ("b", 1),
        ]
        assert [record async for records in made.records() for record in records] == []
    assert [q.get("tailLines") for q in node.queries] == ["66", "528", None]


def place(seconds: float, message: str, ordinal: int = 1, high: float = 0.0) -> Position:
    """Where a line that `stamped` makes is."""
    text = stamped(seconds, message).removesuffix("\n")
    return Position(line(seconds, "").ns, ordinal, crc32(text.encode()), line(max(high, seconds), "").ns)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (place(1.1, "a"), ["late", "a", "a", "b", "c"]),
        (place(1.05, "late", high=1.1), ["a", "a", "b", "c"]),
        (place(1.1, "a", 2), ["a", "b", "c"]),
        (place(1.1, "a", 3), ["b", "c"]),
        (place(2.5, "c"), []),
    ],
)
async def test_a_tail_may_begin_behind_any_line(after: Position, expected: list[str]) -> None:
    text = stamped(1.1, "a") + stamped(1.05, "late") + stamped(1.1, "a") * 2 + stamped(1.2, "b") + stamped(2.5, "c")
    for node in (Node(text, ended="ENDED"), Node(text, text, text, ended="ENDED")):
        assert await messages(node, after=after) == expected
        assert node.queries[0]["sinceTime"] == f"2026-01-01T00:00:0{'1' if after.ns > START + 2 * SECOND else '0'}Z"
    async with tail(Node(text, ended="ENDED"), after=after) as made:
        assert texts([record async for records in made.rest() for record in records]) == expected


async def test_a_beginning_that_is_not_there_any_more_is_marked() -> None:
    gone = place(1, "gone")
    assert await read(Node(stamped(9, "z") + stamped(9.5, "zz"), ended="ENDED"), after=gone) == [
        Gap(gone.ns, START + 9 * SECOND, "ROTATION"),
        line(9, "z"),
        line(9.5, "zz"),
    ]
    assert await read(Node(stamped(0.5, "older"), ended="ENDED"), after=gone) == [Gap(gone.ns, 0, "ROTATION")]
    async with tail(Node(stamped(0.5, "older"), ended="ENDED"), after=gone) as made:
        assert [each async for each in made.rest()] == [[Gap(gone.ns, 0, "ROTATION")]]


async def test_lines_from_before_a_clock_was_set_back_do_not_come_again() -> None:
    times = iter([0.0, 6.0])
    first = stamped(50, "before") + stamped(1, "x") + stamped(2, "y") + stamped(3, "z")
    node = Node(first, stamped(50, "before") + stamped(2, "y") + stamped(3, "z") + stamped(4, "on"), ended="ENDED")
    records = await read(node, clock=lambda: next(times, 6.0))
    assert [record.message for record in records if isinstance(record, Line)] == ["before", "y", "z", "on"]


async def test_a_line_that_is_too_long_says_how_long_it_was() -> None:
    records = await read(Node(stamped(1, "x" * 100_000), ended="ENDED"))
    assert [(len(r.message) < 65_536, r.size, r.truncated) for r in records if isinstance(r, Line)] == [
        (True, 100_000, True)
    ]
