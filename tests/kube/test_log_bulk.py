"""Lines by the piece are the same as line by line, and what is out of the ordinary is left to the latter."""

from dataclasses import astuple
from random import Random

import pytest

from kube import tail as module
from kube.lines import LONGEST_LINE
from kube.log_bulk import bulk
from kube.log_records import Line, Ordinals, Record
from tests.kube.test_tail import Node, read, stamped

ORDINARY = [stamped(at / 7, f"line {at} é → \x1b[31m\t ok").encode().rstrip(b"\n") for at in range(300)]


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"without a stamp",
        b"2026-01-01T00:00:05.000000000Z",
        b"2026-01-01T00:00:05.00000000aZ x",
        b"2026-01-01T00:00:05.0_0000000Z x",
        b"2026-01-01T00:00:05.000000000+ x",
        b"2026-01-01T00:00:05.1Z this is short",
        b"2026-01-01T00:00:05.000000000Zx",
        b"2026-01-01T00:00:0x.000000000Z x",
        b"2026-01-01 00:00:05.000000000Z x",
        b"2026-01-01T00:00:00.000000000Z earlier",
        b"2026-01-01T00:00:05.000000000Z bell \x07",
        b"2026-01-01T00:00:05.000000000Z carriage\r",
        b"2026-01-01T00:00:05.000000000Z bad \xff byte",
        b"2026-01-01T00:00:05.000000000Z " + b"x" * LONGEST_LINE,
    ],
)
def test_a_piece_with_anything_odd_is_left_to_be_read_by_the_line(odd: bytes) -> None:
    before, behind = ORDINARY[:35], ORDINARY[36:]
    assert bulk([*before, *behind]) is not None
    assert bulk([*before, odd, *behind]) is None


def test_nothing_is_no_piece() -> None:
    assert bulk([]) is None


def test_lines_of_one_time_are_counted_across_pieces() -> None:
    ordinals = Ordinals()
    pieces = [[stamped(at, "x").encode().rstrip(b"\n") for at in times] for times in ([1, 2, 2], [2, 2, 3], [4, 5])]
    found = [made.lines(ordinals) for piece in pieces if (made := bulk(piece)) is not None]
    assert [[line.position.ordinal for line in lines if isinstance(line, Line)] for lines in found] == [
        [1, 1, 2],
        [3, 4, 1],
        [1, 1],
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_both_ways_give_the_same_through_every_kind_of_line(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    lines, at = list[bytes](), 1.0
    for number in range(4_000):
        at += random.choice([0, 0, 0.001, 0.002, 0.4])
        odd = random.random() < 0.01
        early = 0.003 if odd and random.random() < 0.3 else 0
        tail = random.choice(["\x00", "\r", "a\rb", "\udcff", "é", "\x1b[1m"]) if odd else random.choice(["", "→ é"])
        lines.append(stamped(at - early, f"{number} {tail}").encode("utf-8", "surrogateescape"))
    cut = random.randrange(1_000, 3_000)
    again = max(0, cut - 40)
    answers = [b"".join(lines[:cut]), b"".join(lines[again:])]

    async def found() -> list[tuple[Record, object]]:
        records = await read(Node(*answers, ended="ENDED"))
        return [(each, astuple(each.position) if isinstance(each, Line) else None) for each in records]

    by_piece = await found()
    monkeypatch.setattr(module, "bulk", lambda lines: None)
    assert by_piece == await found()
    assert len(by_piece) > 3_000
