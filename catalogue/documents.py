"""YAML as plain data with the line of every value, under bounds that no text can break.

Only what a manifest needs is understood: mappings with string keys, lists, text, whole numbers, decimals, truth values
and nothing. Values are made here from the parser's events, so no constructor of the library ever runs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from catalogue.findings import Code, Path, Read, finding

LIMIT_TEXT = 1_000_000
LIMIT_DEPTH = 50
LIMIT_VALUES = 50_000
LIMIT_ALIASED = 10_000
LETTERS = 50
"""A repeated text counts as one value more for each so many letters of it."""

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,17}\.[0-9]{1,17}|\.[0-9]{1,17})(?:[eE][-+]?[0-9]{1,2})?\Z")
_WORDS = {
    word: value
    for words, value in (
        ("true True TRUE yes Yes YES on On ON", True),
        ("false False FALSE no No NO off Off OFF", False),
        ("null Null NULL ~", None),
    )
    for word in words.split()
} | {"": None}


@dataclass(frozen=True, slots=True)
class Document:
    """`data` is the document's root, of any kind. `lines` counts from 1, by the path of each value."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of this value, or of the closest value around it that the text has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Refused(Exception):  # noqa: N818 - it carries the answer
    def __init__(self, line: int, path: Path, code: Code, message: str, remedy: str) -> None:
        self.finding = (line, path, code, message, remedy)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled."""

    value: Any
    path: Path
    anchor: str | None
    before: int
    key: str | None = None
    deepest: int = 0


@dataclass(slots=True)
class _Builder:
    lines: dict[Path, int] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    values: int = 0
    aliased: int = 0
    root: Any = None
    documents: int = 0

    def feed(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _Refused(line, (), Code.SEVERAL_DOCUMENTS, "The file holds several YAML documents", "Keep one.")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()

    def _scalar(self, event: Any, line: int) -> None:
        self._untagged(event, line)
        value = _plain(event.value) if event.implicit[0] else event.value
        if event.anchor:
            self.anchors[event.anchor] = (value, 1 + len(event.value) // LETTERS, 0)
        self._add(value, line)

    def _alias(self, event: Any, line: int) -> None:
        remedy = "Write the values out."
        if event.anchor not in self.anchors:
            problem = f"The alias *{event.anchor} stands inside of what it repeats, or repeats nothing"
            raise _Refused(line, self._next(), Code.TOO_MANY_ALIASES, problem, remedy)
        value, size, depth = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > LIMIT_ALIASED:
            problem = f"The aliases unfold into more than {LIMIT_ALIASED} values"
            raise _Refused(line, self._next(), Code.TOO_MANY_ALIASES, problem, remedy)
        self._deep(len(self.stack) + depth, line)
        self._add(value, line, size)
        if self.stack:
            self.stack[-1].deepest = max(self.stack[-1].deepest, depth + 1)

    def _open(self, event: Any, line: int) -> None:
        self._untagged(event, line)
        self._deep(len(self.stack) + 1, line)
        path, before = self._next(), self.values
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(value, line)
        self.stack.append(_Open(value, path, event.anchor, before))

    def _close(self) -> None:
        done = self.stack.pop()
        depth = done.deepest + 1
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.values - done.before, depth)
        if self.stack:
            self.stack[-1].deepest = max(self.stack[-1].deepest, depth)

    def _add(self, value: Any, line: int, size: int = 1) -> None:
        self.values += size
        if self.values > LIMIT_VALUES:
            problem = f"The file holds more than {LIMIT_VALUES} values"
            raise _Refused(line, (), Code.TOO_LARGE, problem, "Split it, or leave out what no manifest needs.")
        if not self.stack:
            self.root = value
            self.lines[()] = line
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            self.lines[(*top.path, len(top.value))] = line
            top.value.append(value)
        elif top.key is None:
            top.key = self._key(top, value, line)
        else:
            top.value[top.key] = value
            top.key = None

    def _key(self, top: _Open, value: Any, line: int) -> str:
        if not isinstance(value, str):
            problem = "A key of this mapping is no text"
            raise _Refused(
                line, top.path, Code.KEY_NOT_TEXT, problem, "Put the key in quotes, or write a field's name."
            )
        path = (*top.path, value)
        if value in top.value:
            problem = f"The key {value!r} stands twice in one mapping, first in line {self.lines[path]}"
            raise _Refused(line, path, Code.DUPLICATE_KEY, problem, "Keep one of them.")
        self.lines[path] = line
        return value

    def _next(self) -> Path:
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return top.path if top.key is None else (*top.path, top.key)

    def _deep(self, depth: int, line: int) -> None:
        if depth > LIMIT_DEPTH:
            problem = f"Values are nested more than {LIMIT_DEPTH} deep"
            raise _Refused(line, self._next()[:5], Code.TOO_DEEP, problem, "Nest less.")

    def _untagged(self, event: Any, line: int) -> None:
        if event.tag is not None:
            problem = f"The YAML tag {event.tag!r} is not understood in a manifest"
            raise _Refused(line, self._next(), Code.TAG_REFUSED, problem, "Leave the tag out.")


def read_document(text: str, file: str) -> Read[Document]:
    """The document in `text`; its first fault is a finding, and nothing is ever raised. `file` only names it."""
    if len(text) > LIMIT_TEXT or len(text.encode("utf-8", "replace")) > LIMIT_TEXT:
        problem = f"The file is larger than {LIMIT_TEXT // 1_000_000} MB"
        return _no(file, 0, (), Code.TOO_LARGE, problem, "A manifest is a few kilobytes: check what was sent.")
    builder = _Builder()
    try:
        for event in _events(text):
            builder.feed(event)
    except _Refused as refused:
        return _no(file, *refused.finding)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _no(file, mark.line + 1 if mark else 0, (), Code.NOT_YAML, _sentence(error), "Correct the YAML there.")
    except (yaml.YAMLError, UnicodeError) as error:
        problem = f"The text is not YAML: {str(error).splitlines()[0]}"
        return _no(file, 0, (), Code.NOT_YAML, problem, "Save the file as UTF-8 text without control characters.")
    return Read(Document(file, builder.root, builder.lines))


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return text


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return "The text is not YAML: " + ", ".join(part for part in (error.context, error.problem) if part)


def _no(file: str, line: int, path: Path, code: Code, problem: str, remedy: str) -> Read[Document]:
    return Read(None, (finding(file, line, path, code, problem + ".", remedy),))
