"""Manifests as they are sent: texts that are read before the database is asked, then put together with what it has."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from catalogue.documents import Document, read_document
from catalogue.findings import Code, Finding
from catalogue.order import circles, waiting_order
from catalogue.read import service_of, stack_of
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from rules.names import NAME
from rules.refusals import Refused

Kind = Literal["service", "stack"]

MOST_FILES = 500
_MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A manifest that was sent and is YAML."""

    kind: Kind
    text: str
    document: Document

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


@dataclass(slots=True)
class Manifests:
    """What the texts say, with what they inherit: each with its text, parents before those who inherit from them."""

    services: list[tuple[ServiceManifest, str]] = field(default_factory=list)
    stacks: list[tuple[StackManifest, str]] = field(default_factory=list)


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
            sent.append(Sent(kind or _kind(file, done.value.data), text, done.value))
    if findings:
        raise invalid(findings, path)
    return sent


def put_together(sent: Sequence[Sent], known: Mapping[str, ServiceManifest], path: str = "input.source") -> Manifests:
    """The manifests with what they inherit, checked against each other and against the services that are `known`.

    A parent is its newest revision: a manifest tells no version of its own. Raises: Refused MANIFEST_INVALID.
    """
    findings: list[Finding] = []
    named, nameless = _named([item for item in sent if item.kind == "service"], findings)
    waits = {name: sorted(item.mentions) for name, item in named.items()}
    faulty = {name for circle in circles(waits) for name in circle}
    for circle in circles(waits):
        message = f"The services inherit from each other: {' -> '.join([*circle, circle[0]])}."
        findings.append(_finding(named[circle[0]].document, "from", Code.CYCLE, message, "Remove one 'from'."))
    services = dict(known)
    made = Manifests()
    for name in waiting_order(waits):
        if name in faulty or faulty.intersection(waits[name]):
            faulty.add(name)
            continue
        done = service_of(named[name].document, lambda wanted, _version: services.get(wanted))
        if done.value is None or not _storable(named[name], findings):
            findings += done.findings
            faulty.add(name)
        else:
            services[name] = done.value
            made.services.append((done.value, named[name].text))
    for item in nameless:
        findings += service_of(item.document, lambda wanted, _version: services.get(wanted)).findings
    made.stacks = _stacks([item for item in sent if item.kind == "stack"], services, faulty, findings)
    if findings:
        raise invalid(findings, path)
    return made


def _named(sent: Iterable[Sent], findings: list[Finding]) -> tuple[dict[str, Sent], list[Sent]]:
    named: dict[str, Sent] = {}
    nameless = []
    for item in sent:
        if item.name is None:
            nameless.append(item)
        elif item.name in named:
            message = f"{item.name!r} is already described in {named[item.name].document.file}."
            findings.append(_finding(item.document, "name", Code.DUPLICATE_NAME, message, "Name one of them anew."))
        else:
            named[item.name] = item
    return named, nameless


def _stacks(
    sent: Iterable[Sent], services: Mapping[str, ServiceManifest], faulty: Collection[str], findings: list[Finding]
) -> list[tuple[StackManifest, str]]:
    def offered(name: str, version: str | None) -> ServiceManifest | None:
        found = services.get(name)
        fits = version is None or (found is not None and any(item.version == version for item in found.options))
        return found if fits else None

    named, nameless = _named(sent, findings)
    made = []
    for item in (*named.values(), *nameless):
        done = stack_of(item.document, offered, faulty)
        findings += done.findings
        if done.value is not None:
            made.append((done.value, item.text))
    return made


def _storable(item: Sent, findings: list[Finding]) -> bool:
    """Names with the organization before a slash are those of another catalogue, and cannot be imported here."""
    if NAME.fullmatch(item.name or ""):
        return True
    message = "The name is no machine name."
    remedy = "Use 1 to 63 lower-case letters, digits and hyphens."
    findings.append(_finding(item.document, "name", Code.INVALID_NAME, message, remedy))
    return False


def _kind(file: str, data: Any) -> Kind:
    name = file.rpartition("/")[2]
    if name.startswith(("service.", "stack.")):
        return "stack" if name.startswith("stack.") else "service"
    return "stack" if isinstance(data, dict) and "services" in data else "service"


def _finding(document: Document, at: str, code: Code, message: str, remedy: str) -> Finding:
    return Finding(document.file, document.line((at,)), at, code, message, remedy)


def _text(data: Any, key: str) -> str | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None
