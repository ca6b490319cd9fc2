"""Manifests as they are sent: texts that are read before the database is asked, then put together with what it has."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.documents import Document, read_document
from catalogue.findings import Code, Finding, finding
from catalogue.folders import Kind, Source
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.together import together
from rules.names import NAME
from rules.refusals import Refused

MOST_FILES = 500
_MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Sent(Source):
    """A manifest that was sent and is YAML."""

    text: str

    @property
    def name(self) -> str | None:
        """What it calls itself, as far as it is a text."""
        return _text(self.document.data, "name")

    @property
    def mentions(self) -> set[str]:
        """The services that it inherits from or puts together."""
        data = self.document.data
        if self.kind == "service":
            parent = _text(data, "from")
            return {parent} if parent else set()
        services = data.get("services") if isinstance(data, dict) else None
        named = [_text(item, "service") for item in services] if isinstance(services, list) else []
        return {name.partition(":")[0] for name in named if name}


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the texts say, with what they inherit: each with its text, parents before those who inherit from them."""

    services: list[tuple[ServiceManifest, str]]
    stacks: list[tuple[StackManifest, str]]


def invalid(findings: Iterable[Finding], path: str) -> Refused:
    """The refusal that carries the findings. path: the field of the input that holds the texts."""
    found = sorted(set(findings))
    first = found[0]
    more = f" There are {len(found) - 1} more findings." if len(found) > 1 else ""
    return Refused(
        "MANIFEST_INVALID",
        f"{first.file}:{first.line}: {first.message}{more}",
        first.remedy,
        path,
        details={"findings": found[:_MOST_FINDINGS]},
    )


async def read(files: Sequence[tuple[Kind | None, str, str]], path: str = "input.source") -> list[Sent]:
    """Texts (kind, file, text) as documents; an unknown kind is told from the file's name or from what it holds.

    Raises: Refused MANIFEST_INVALID, INVALID_INPUT. It needs no database, and leaves the event loop free meanwhile.
    """
    if not 1 <= len(files) <= MOST_FILES:
        raise Refused("INVALID_INPUT", f"One import takes 1 to {MOST_FILES} files.", "Split it.", path)
    findings: list[Finding] = []
    sent = []
    for kind, file, text in files:
        done = await asyncio.to_thread(read_document, text, file)
        findings += done.findings
        if done.value is not None:
            sent.append(Sent(kind or _kind(file, done.value.data), done.value, text))
    if findings:
        raise invalid(findings, path)
    return sent


def put_together(sent: Sequence[Sent], known: Mapping[str, ServiceManifest], path: str = "input.source") -> Manifests:
    """The manifests with what they inherit, checked against each other and against the services that are `known`.

    A parent is its newest revision: a manifest tells no version of its own. Raises: Refused MANIFEST_INVALID.
    """
    done = together(sent, known)
    of = {(item.kind, item.name): item for item in reversed(sent)}
    findings = [*done.findings]
    for service in done.services:
        if not NAME.fullmatch(service.name):
            findings.append(_unstorable(of["service", service.name].document))
    if findings:
        raise invalid(findings, path)
    return Manifests(
        [(service, of["service", service.name].text) for service in done.services],
        [(stack, of["stack", stack.name].text) for stack in done.stacks],
    )


def _unstorable(document: Document) -> Finding:
    """Names with the organization before a slash are those of another catalogue, and cannot be imported here."""
    message = "The name is no machine name."
    remedy = "Use 1 to 63 lower-case letters, digits and hyphens."
    return finding(document.file, document.line(("name",)), ("name",), Code.INVALID_NAME, message, remedy)


def _kind(file: str, data: Any) -> Kind:
    name = file.rpartition("/")[2]
    if name.startswith(("service.", "stack.")):
        return "stack" if name.startswith("stack.") else "service"
    return "stack" if isinstance(data, dict) and "services" in data else "service"


def _text(data: Any, key: str) -> str | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None
