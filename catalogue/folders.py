"""Which manifests a path on this machine means: a file, a folder, or what an `index.yml` lists."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalogue.documents import LIMIT_TEXT, Document, read_document
from catalogue.findings import Code, Finding, finding

Kind = Literal["service", "stack"]

_INDEX = ("index.yml", "index.yaml")
_KINDS: dict[str, Kind] = {
    "service.yml": "service",
    "service.yaml": "service",
    "stack.yml": "stack",
    "stack.yaml": "stack",
}
_LISTS = {"services": ("service.yml", "service.yaml"), "stacks": ("stack.yml", "stack.yaml")}


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest that was found and is YAML."""

    kind: Kind
    document: Document


def sources(paths: list[str]) -> tuple[list[Source], list[Finding]]:
    """Every manifest that the paths mean, each once and in the order of their files' names, and what could not be read.

    An `index.yml` says what its folder holds, by `services` and `stacks`: names of folders, which may be numbers.
    """
    found: dict[str, Source | None] = {}
    findings: list[Finding] = []
    for path in paths:
        before = len(findings)
        files = list(_files(path, findings))
        if not files and len(findings) == before:
            problem = "There is no service.yml and no stack.yml in this folder."
            findings.append(finding(path, 0, (), Code.UNREADABLE, problem, "Check the path."))
        for file in files:
            real = os.path.realpath(file)
            if real not in found:
                found[real] = _source(file, findings)
    kept = [source for source in found.values() if source is not None]
    return sorted(kept, key=lambda source: source.document.file), findings


def _files(path: str, findings: list[Finding]) -> Iterator[str]:
    name = os.path.basename(path)
    if os.path.isdir(path):
        index = next((file for file in (os.path.join(path, one) for one in _INDEX) if os.path.isfile(file)), None)
        yield from _indexed(index, findings) if index else _walked(path, findings)
    elif name in _INDEX and os.path.isfile(path):
        yield from _indexed(path, findings)
    else:
        yield path


def _walked(folder: str, findings: list[Finding]) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_unreadable(folder, error))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, findings)
        elif entry.name in _KINDS:
            yield entry.path


def _indexed(file: str, findings: list[Finding]) -> Iterator[str]:
    document = _read(file, findings)
    if document is None:
        return
    if not isinstance(document.data, dict):
        problem = "An index is a mapping with 'services' or 'stacks'."
        findings.append(finding(file, 1, (), Code.NOT_A_MANIFEST, problem, "Begin it with `services:`."))
        return
    for kind, entries in document.data.items():
        if kind == "version":
            continue
        if kind not in _LISTS:
            problem = f"The field {kind!r} is unknown in an index."
            remedy = "Use 'services' and 'stacks'."
            findings.append(finding(file, document.line((kind,)), (kind,), Code.UNKNOWN_FIELD, problem, remedy))
            continue
        listed = entries if isinstance(entries, list) else [entries]
        for at, entry in enumerate(listed):
            manifest = _entry(file, kind, entry)
            if manifest is not None:
                yield manifest
                continue
            problem = f"There is no {' or '.join(_LISTS[kind])} in a folder {str(entry)!r} beside the index."
            line, remedy = document.line((kind, at)), "List folders that stand beside the index."
            findings.append(finding(file, line, (kind, at), Code.BROKEN_REFERENCE, problem, remedy))


def _entry(file: str, kind: str, entry: object) -> str | None:
    """The manifest in the folder that an index names, within the index's own folder."""
    if isinstance(entry, bool) or not isinstance(entry, str | int):
        return None
    name = Path(str(entry))
    if name.is_absolute() or ".." in name.parts:
        return None
    folder = os.path.join(os.path.dirname(file), str(name))
    return next((path for one in _LISTS[kind] if os.path.isfile(path := os.path.join(folder, one))), None)


def _source(file: str, findings: list[Finding]) -> Source | None:
    document = _read(file, findings)
    if document is None:
        return None
    listed = document.data.get("services") if isinstance(document.data, dict) else None
    return Source(_KINDS.get(os.path.basename(file), "stack" if isinstance(listed, list) else "service"), document)


def _read(file: str, findings: list[Finding]) -> Document | None:
    try:
        with open(file, "rb") as opened:
            data = opened.read(LIMIT_TEXT + 1)
        text = data.decode() if len(data) <= LIMIT_TEXT else " " * len(data)
    except (OSError, UnicodeDecodeError) as error:
        findings.append(_unreadable(file, error))
        return None
    read = read_document(text, file)
    findings += read.findings
    return read.value


def _unreadable(file: str, error: OSError | UnicodeDecodeError) -> Finding:
    if isinstance(error, UnicodeDecodeError):
        return finding(file, 0, (), Code.UNREADABLE, "The file is not UTF-8 text.", "Save it as UTF-8.")
    reason = (error.strerror or type(error).__name__).lower()
    return finding(file, 0, (), Code.UNREADABLE, f"It cannot be opened: {reason}.", "Check the path and its mode.")
