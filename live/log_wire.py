"""What replicas tell each other of a log: records with their places, and after which line they come."""

from dataclasses import dataclass
from typing import Any

import orjson

from kube.log_records import Fault, Gap, Line, Position, Record


@dataclass(frozen=True, slots=True)
class Entry:
    """Some records of one source. after: the line before them; None where they begin the log.

    over: whether the source has ended with them. left: whether who read it has stopped, so that another one may.
    """

    after: Position | None
    records: list[Record]
    over: bool = False
    left: bool = False

    @property
    def end(self) -> Position | None:
        """The last line, or the one before the first where there is none."""
        return last_line(self.records) or self.after

    def behind(self, position: Position | None) -> list[Record] | None:
        """The records behind a line; None where it cannot be told what comes after it."""
        if position == self.after:
            return self.records
        for at, record in enumerate(self.records):
            if isinstance(record, Line) and record.position == position:
                return self.records[at + 1 :]
        if position is not None and (self.end is None or self.end.high < position.high):
            return []
        return None


def last_line(records: list[Record]) -> Position | None:
    """The place of the last line among records; None without one."""
    return next((record.position for record in reversed(records) if isinstance(record, Line)), None)


def written(entry: Entry) -> bytes:
    """An entry as JSON."""
    after = _place(entry.after) if entry.after is not None else None
    return orjson.dumps([after, [_record(record) for record in entry.records], entry.over, entry.left])


def read(data: bytes) -> Entry:
    """An entry from what `written` made of it."""
    after, records, over, left = orjson.loads(data)
    return Entry(Position(*after) if after is not None else None, [_made(each) for each in records], over, left)


def _place(position: Position) -> list[int]:
    return [position.ns, position.ordinal, position.crc, position.high]


def _record(record: Record) -> list[Any]:
    if isinstance(record, Line):
        told: list[Any] = [*_place(record.position), record.message, record.size]
        rare = [record.raw, record.truncated, record.lossy, record.partial]
        return [*told, *rare] if any(each not in (None, False) for each in rare) else told
    if isinstance(record, Gap):
        return [record.after, record.until, record.reason]
    return [record.message]


def _made(told: list[Any]) -> Record:
    if len(told) == 1:
        return Fault(told[0])
    if len(told) == 3:
        return Gap(*told)
    ns, ordinal, crc, high, message, size, *rare = told
    return Line(ns, message, size, Position(ns, ordinal, crc, high), *rare)
