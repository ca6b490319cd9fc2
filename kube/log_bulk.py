"""Lines by the piece: a busy log's cost is what is done for each line, so that nothing is done by the line here.

It is for pieces in which all is ordinary: stamps as kubelets write them in UTC, never falling, and text without control
characters. Whatever else comes is read line by line in `kube.tail`, which is several times slower, and gives the same.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, repeat
from operator import le, lt
from zlib import crc32

from kube.lines import CONTROLS, LONGEST_LINE, parse_time
from kube.log_records import Line, Ordinals, Position, Record

_STAMP = len("2026-01-01T00:00:00.000000000Z ")
_SECONDS = len("2026-01-01T00:00:00.")
_NANOSECONDS = slice(_SECONDS, _SECONDS + 9)
_CONTROLS = CONTROLS.replace(b"\n", b"")


@dataclass(slots=True)
class Bulk:
    """The lines of a piece. times: nanoseconds, never falling. crcs: of the lines as they came. size: without stamp."""

    times: list[int]
    crcs: list[int]
    messages: list[str]
    sizes: list[int]

    def lines(self, ordinals: Ordinals) -> list[Record]:
        """The same with their places, where none of them is earlier than a line before the piece."""
        times = self.times
        numbers: Iterable[int] = repeat(1)
        if all(map(lt, times, islice(times, 1, None))) and ordinals.last(times[0]) == 0:
            ordinals.first(times)
        else:
            numbers = [ordinals.next(ns) for ns in times]
        return list(map(Line, times, self.messages, self.sizes, map(Position, times, numbers, self.crcs, times)))


def bulk(lines: list[bytes]) -> Bulk | None:
    """A piece's lines; None where something about them is out of the ordinary."""
    if not lines or (times := _times([line[:_STAMP] for line in lines])) is None:
        return None
    sizes = list(map(len, lines))
    body = b"\n".join(lines)
    if max(sizes) > LONGEST_LINE - 4 or len(body.translate(None, _CONTROLS)) != len(body):
        return None
    try:
        texts = body.decode().split("\n")
    except UnicodeDecodeError:
        return None
    return Bulk(times, list(map(crc32, lines)), [text[_STAMP:] for text in texts], [size - _STAMP for size in sizes])


def _times(stamps: list[bytes]) -> list[int] | None:
    """What the stamps say, where they are what kubelets write, and in their order."""
    count, joined = len(stamps), b"".join(stamps)
    ordinary = (
        len(joined) == _STAMP * count
        and joined[_STAMP - 2 :: _STAMP] == b"Z" * count
        and joined[_STAMP - 1 :: _STAMP] == b" " * count
        and joined[_SECONDS - 1 :: _STAMP] == b"." * count
        and all(joined[at::_STAMP].isdigit() for at in range(_NANOSECONDS.start, _NANOSECONDS.stop))
        and all(map(le, stamps, islice(stamps, 1, None)))
    )
    if not ordinary:
        return None
    times: list[int] = []
    try:
        while len(times) < count:  # those of one second are beside each other
            second = stamps[len(times)][:_SECONDS]
            start = parse_time(second[:-1] + b"Z")
            end = bisect_right(stamps, second + b"\xff", len(times))
            times += [start + int(stamp[_NANOSECONDS]) for stamp in stamps[len(times) : end]]
    except ValueError:
        return None
    return times
