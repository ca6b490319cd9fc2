"""Values made from a regular expression: literals, classes, groups, alternatives and counted repeats, and no more."""

import re
import string
from collections.abc import Callable, Sequence
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
    return _Reader(pattern, choose).whole()


class _Reader:
    def __init__(self, pattern: str, choose: Choose) -> None:
        self.pattern = pattern.removeprefix("^").removesuffix("$")
        self.choose = choose
        self.at = 0

    def whole(self) -> str:
        if len(self.pattern) > LIMIT:
            raise PatternError(f"the pattern is longer than {LIMIT} characters")
        value = self._alternatives(0)()
        if self.at < len(self.pattern):
            raise PatternError("a parenthesis is closed that was not opened")
        if len(value) > LIMIT:
            raise PatternError(f"the values would be longer than {LIMIT} characters")
        return value

    def _alternatives(self, depth: int) -> Callable[[], str]:
        if depth > 10:
            raise PatternError("groups are nested too deep")
        ways = [self._sequence(depth)]
        while self._take("|"):
            ways.append(self._sequence(depth))
        return lambda: str(self.choose(ways)())

    def _sequence(self, depth: int) -> Callable[[], str]:
        parts: list[Callable[[], str]] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return lambda: "".join(part() for part in parts)

    def _repeated(self, part: Callable[[], str]) -> Callable[[], str]:
        low = high = 1
        count = _COUNT.match(self.pattern, self.at)
        if count is not None:
            self.at = count.end()
            low, high = int(count[1]), int(count[2] or count[1])
        elif self._take("?"):
            low = 0
        elif self.at < len(self.pattern) and self.pattern[self.at] in "*+{":
            raise PatternError("repeats need a number, such as {32}")
        if low > high or high > LIMIT:
            raise PatternError(f"a repeat asks for more than {LIMIT} or for fewer than its least")
        return lambda: self._bounded(part, self.choose(range(low, high + 1)))

    def _bounded(self, part: Callable[[], str], times: int) -> str:
        value = ""
        for _ in range(times):
            value += part()
            if len(value) > LIMIT:
                raise PatternError(f"the values would be longer than {LIMIT} characters")
        return value

    def _atom(self, depth: int) -> Callable[[], str]:
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
        return lambda: str(self.choose(chars))

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
