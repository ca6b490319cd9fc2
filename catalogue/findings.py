"""What is wrong in a manifest: where it stands, what it is, and what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from typing import Generic, TypeVar

Path = tuple[str | int, ...]
Value = TypeVar("Value")


class Code(StrEnum):
    """Every kind of finding; the text beside each is its meaning, and docs/manifests.md lists them."""

    UNREADABLE = "UNREADABLE"  # the file cannot be opened, or is not UTF-8 text
    NOT_YAML = "NOT_YAML"  # the text breaks YAML's grammar
    TOO_LARGE = "TOO_LARGE"  # more than a megabyte of text, or too many values
    TOO_DEEP = "TOO_DEEP"  # values nested deeper than any manifest needs
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"  # aliases that unfold into too much, or into themselves
    TAG_REFUSED = "TAG_REFUSED"  # an explicit YAML tag
    SEVERAL_DOCUMENTS = "SEVERAL_DOCUMENTS"  # more than one YAML document in a file
    DUPLICATE_KEY = "DUPLICATE_KEY"  # a mapping says the same key twice
    KEY_NOT_TEXT = "KEY_NOT_TEXT"  # a mapping's key that is no string
    NOT_A_MANIFEST = "NOT_A_MANIFEST"  # the document is empty, or no mapping
    UNKNOWN_FIELD = "UNKNOWN_FIELD"  # a field that the format does not have
    NOT_ISOLATED = "NOT_ISOLATED"  # what would let a service out of its namespace
    MISSING_FIELD = "MISSING_FIELD"  # a field that must be given
    WRONG_TYPE = "WRONG_TYPE"  # a value of another type than the field's
    INVALID_NAME = "INVALID_NAME"  # a name that breaks the rule for names
    INVALID_VALUE = "INVALID_VALUE"  # a value of the right type that the field does not allow
    INVALID_PATTERN = "INVALID_PATTERN"  # a token's regular expression that values cannot be made from
    DUPLICATE_NAME = "DUPLICATE_NAME"  # two items of a list, or two manifests of a set, with one name
    RESERVED_NAME = "RESERVED_NAME"  # a variable whose name Berth keeps for itself
    CONFLICTING_FIELDS = "CONFLICTING_FIELDS"  # fields that exclude each other, or that need each other
    BROKEN_REFERENCE = "BROKEN_REFERENCE"  # a name that should be found in the same manifest, or in the service, is not
    UNKNOWN_TEMPLATE = "UNKNOWN_TEMPLATE"  # a name in {{...}} that means nothing there
    UNKNOWN_PARENT = "UNKNOWN_PARENT"  # `from` names a service that is not there
    UNKNOWN_PARENT_VERSION = "UNKNOWN_PARENT_VERSION"  # the parent is there, but not in the version that is pinned
    UNKNOWN_SERVICE = "UNKNOWN_SERVICE"  # a stack names a service that is not there
    FAULTY_SERVICE = "FAULTY_SERVICE"  # a parent or a stack's service is there, with findings of its own
    LINK_MISMATCH = "LINK_MISMATCH"  # a link's target does not match any of its selectors, or lacks what is read
    LINK_MISSING = "LINK_MISSING"  # a required link without a target, or with a disabled one
    CYCLE = "CYCLE"  # services that wait for each other, or inherit from each other
    MORE_FINDINGS = "MORE_FINDINGS"  # there are more than are worth telling at once
    NOT_RUNNABLE = "NOT_RUNNABLE"  # Berth cannot run what the manifests say


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong. `line` counts from 1, 0 is no line; `path` reads `links[0].env[1].value`."""

    file: str
    line: int
    path: str
    code: Code
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path or '.'}: {self.code} {self.message} ({self.remedy})"


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding before its place in the file is known: a path into the values instead of a line."""

    path: Path
    code: Code
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Read(Generic[Value]):
    """What reading gave: a value, or None and the findings that say why."""

    value: Value | None
    findings: tuple[Finding, ...] = ()


LIMIT_FINDINGS = 100
"""How many findings of one manifest are told at once."""

_LIMIT_WORDS = 600
_LIMIT_STEP = 80


def path_text(path: Path) -> str:
    """A path as people write it; a step that no field of the format has may be cut."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else "." * bool(text) + _cut(step, _LIMIT_STEP)
    return text


def finding(file: str, line: int, path: Path, code: Code, message: str, remedy: str) -> Finding:
    """A finding whose words stay readable, whatever the manifest holds."""
    return Finding(file, line, path_text(path), code, _cut(message, _LIMIT_WORDS), _cut(remedy, _LIMIT_WORDS))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if they are few enough to look."""
    there = sorted(islice(known, 501))
    close = get_close_matches(name, there, 1) if len(name) <= _LIMIT_STEP and len(there) <= 500 else []
    return close[0] if close else None


def refuse(issues: Iterable[Issue], place: Callable[[Issue], Finding]) -> Read[Value]:
    """No value, and the findings each once, in the order of their lines: the first hundred, and a word of the rest."""
    found = [place(issue) for issue in islice(issues, LIMIT_FINDINGS + 1)]
    kept = sorted(set(found[:LIMIT_FINDINGS]), key=lambda one: (one.line, one.path))
    if len(found) > LIMIT_FINDINGS:
        problem = f"There are more findings than these {LIMIT_FINDINGS}."
        kept.append(replace(kept[-1], path="", code=Code.MORE_FINDINGS, message=problem, remedy="Correct these first."))
    return Read(None, tuple(kept))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
