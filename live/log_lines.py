"""A line of a container's log, and what can be told from its text: its level, and how it reads without colours."""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from kube.lines import LONGEST_LINE
from kube.log_records import Line, Position

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")
"""From the least to the gravest."""

_NAMES = {
    "trace": "TRACE",
    "debug": "DEBUG",
    "info": "INFO",
    "notice": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "err": "ERROR",
    "error": "ERROR",
    "fatal": "FATAL",
    "crit": "FATAL",
    "critical": "FATAL",
    "alert": "FATAL",
    "emerg": "FATAL",
    "panic": "FATAL",
}
_KEYS = ("level", "severity", "lvl", "levelname", "log.level")
_ANY = "|".join(sorted(_NAMES, key=len, reverse=True))
# A word in capitals near the start, one in brackets or before a colon at the start, or a field of logfmt.
_LEVEL = re.compile(
    rf"\b({_ANY.upper()})\b|^\W*({_ANY})\s*[\]:|>]|\b(?:level|severity|lvl)=\"?({_ANY})\b|[\[<]({_ANY})[\]>]",
)
_LOOKED_AT = 120
_LONGEST_JSON = 16 * 1024

# Sequences of terminals: CSI, OSC and the like, and escapes of two characters.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\-~])?")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def plain(text: str) -> str:
    """The text without any sequence that is meant for a terminal."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def coloured(text: str) -> str:
    """The text with its colours, and without sequences that would move a cursor, set a title or a clipboard."""
    if "\x1b" not in text:
        return text
    return _ESCAPE.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text)


def level_of(text: str) -> str | None:
    """How grave a line says that it is, None where it does not say."""
    if text.startswith("{") and len(text) <= _LONGEST_JSON:
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            return next((level for key in _KEYS if (level := _named(found.get(key)))), None)
    match = _LEVEL.search(text, 0, _LOOKED_AT)
    return _named(match[match.lastindex]) if match and match.lastindex else None


def _named(value: Any) -> str | None:
    """The level of this name; numbers are those of pino and bunyan, tens from TRACE on."""
    if isinstance(value, str):
        return _NAMES.get(value.lower())
    if isinstance(value, int) and 10 <= value <= 60:
        return LEVELS[value // 10 - 1]
    return None


@dataclass(slots=True, eq=False)
class LogLine:
    """seq: counts the lines of its source without a hole; 0 for a line that was read again for one reader alone.
    source: the index of its source. position: its place in its run's log. size: of what is kept, bytes: of the whole.
    """

    seq: int
    ns: int
    source: int
    message: str
    size: int
    position: Position
    bytes: int
    truncated: bool
    lossy: bool
    partial: bool
    _raw: str | None
    _level: str | None = field(default="", init=False)

    @property
    def order(self) -> int:
        """What lines of several sources are merged by: a time that never falls in one source."""
        return self.position.high

    @property
    def timestamp(self) -> str:
        """When the node took it in: nanoseconds since the epoch, as text, for no number of JSON holds them."""
        return str(self.ns)

    @property
    def plain(self) -> str:
        """The message without colours."""
        return plain(self.message)

    @property
    def raw(self) -> str:
        """The text as it was written, with all its sequences for terminals."""
        return self.message if self._raw is None else self._raw

    @property
    def level(self) -> str | None:
        """How grave it says that it is. Found once, when it is asked for first."""
        if self._level == "":
            self._level = level_of(self.plain)
        return self._level


def made_line(record: Line, source: int, seq: int) -> LogLine:
    """The line as viewers get it; its size is what of it is kept."""
    message, raw = record.message, record.raw
    if "\x1b" in message:
        shown = coloured(message)
        if raw is None and shown != message:
            raw = message
        message = shown
    size = min(record.size, LONGEST_LINE)
    return LogLine(
        seq,
        record.ns,
        source,
        message,
        size,
        record.position,
        record.size,
        record.truncated,
        record.lossy,
        record.partial,
        raw,
    )
