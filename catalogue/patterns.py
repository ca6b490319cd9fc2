"""Values made from a regular expression: literals, classes, groups, alternatives and counted repeats, and no more."""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

LIMIT = 1024
"""The longest value that a pattern may ask for."""

Choose = Callable[[Sequence[Any]], Any]

_ESCAPES = {"d": string.digits, "w": string.ascii_letters + string.digits + "_", "n": "\n", "t": "\t"}
_ANY = string.ascii_letters + string.digits + "-_"
_CLASS_PART = re.compile(r"(\\?.)(?:-(\\?[^\]]))?", re.DOTALL)
_COUNT = re.compile(r"\{([0-9]{1,4})(?:,([0-9]{1,4}))?\}")


class PatternError(ValueError):
    """The expression is no pattern that values can be made from; the message is one sentence without a full stop."""


def generate(pattern: str, choose: Choose) -> str:
    """A value that matches the pattern; `choose` picks one of a sequence. Raises PatternError."""
    return _Reader(pattern).whole().make(choose)


def fault(pattern: str) -> str | None:
    """Why no values can be made from the pattern, or None."""
    try:
        _Reader(pattern).whole()
    except PatternError as error:
        return str(error)
    return None


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the pattern: the longest text it can make, and how it makes one."""

    longest: int
    make: Callable[[Choose], str]


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern.removeprefix("^").removesuffix("$")
        self.at = 0

    def whole(self) -> _Part:
        if len(self.pattern) > LIMIT:
            raise PatternError(f"the pattern is longer than {LIMIT} characters")
        part = self._alternatives(0)
        if self.at < len(self.pattern):
            raise PatternError("a parenthesis is closed that was not opened")
        if part.longest > LIMIT:
            raise PatternError(f"the values may be longer than {LIMIT} characters")
        return part

    def _alternatives(self, depth: int) -> _Part:
        if depth > 10:
            raise PatternError("groups are nested too deep")
        ways = [self._sequence(depth)]
        while self._take("|"):
            ways.append(self._sequence(depth))
        if len(ways) == 1:
            return ways[0]
        return _Part(max(way.longest for way in ways), lambda choose: str(choose(ways).make(choose)))

    def _sequence(self, depth: int) -> _Part:
        parts: list[_Part] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return _Part(sum(part.longest for part in parts), lambda choose: "".join(part.make(choose) for part in parts))

    def _repeated(self, part: _Part) -> _Part:
        low = high = 1
        count = _COUNT.match(self.pattern, self.at)
        if count is not None:
            self.at = count.end()
            low, high = int(count[1]), int(count[2] or count[1])
        elif self._take("?"):
            low = 0
        if self.at < len(self.pattern) and self.pattern[self.at] in "*+{":
            raise PatternError("repeats need a number, such as {32}")
        if low > high:
            raise PatternError("a repeat asks for fewer than its least")
        if low == high == 1:
            return part
        times = range(low, high + 1)
        if part.longest * high > LIMIT:
            raise PatternError(f"the values may be longer than {LIMIT} characters")
        return _Part(part.longest * high, lambda choose: "".join(part.make(choose) for _ in range(choose(times))))

    def _atom(self, depth: int) -> _Part:
        char = self.pattern[self.at]
        if char == "(":
            self.at += 3 if self.pattern.startswith("(?:", self.at) else 1
            inner = self._alternatives(depth + 1)
            if not self._take(")"):
                raise PatternError("a parenthesis is not closed")
            return inner
        if char == "[":
            chars = self._class()
        elif char == "\\":
            chars = self._escape(self.pattern[self.at : self.at + 2])
            self.at += 2
        elif char in "*+?{}])^$":
            raise PatternError(f"{char!r} stands where nothing can be repeated or closed")
        else:
            chars = _ANY if char == "." else char
            self.at += 1
        return _Part(1, lambda choose: str(choose(chars)))

    def _class(self) -> str:
        self.at += 1
        chars = ""
        while not self._take("]"):
            part = _CLASS_PART.match(self.pattern, self.at)
            if part is None or (not chars and part[1] == "^"):
                raise PatternError("a class is not closed, or says what is not in it")
            first = self._escape(part[1])
            self.at = part.end()
            if part[2] is None:
                chars += first
                continue
            last = self._escape(part[2])
            if len(first) != 1 or len(last) != 1 or ord(last) < ord(first) or ord(last) > 126:
                raise PatternError("a class holds a range that goes backwards or beyond ASCII")
            chars += "".join(map(chr, range(ord(first), ord(last) + 1)))
        if not chars:
            raise PatternError("a class is empty")
        return "".join(dict.fromkeys(chars))

    def _escape(self, text: str) -> str:
        if not text.startswith("\\"):
            return text
        if len(text) == 1 or (text[1].isalnum() and text[1] not in _ESCAPES):
            raise PatternError("an escape is not understood")
        return _ESCAPES.get(text[1], text[1])

    def _take(self, char: str) -> bool:
        if self.pattern.startswith(char, self.at):
            self.at += 1
            return True
        if char == "]" and self.at >= len(self.pattern):
            raise PatternError("a class is not closed")
        return False
