"""Manifests put together: each after its parent, stacks after services, and what is wrong in the set as a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalogue.documents import Document
from catalogue.findings import Code, Finding, finding
from catalogue.folders import Source
from catalogue.order import circles, waiting_order
from catalogue.read import service_of, stack_of
from catalogue.services import Lookup, ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.versions import version


@dataclass(frozen=True, slots=True)
class Together:
    """What a set of manifests came to.

    `services` and `stacks` are those without a finding, parents before those who inherit from them. `order` is every
    manifest of the set, in the order in which they can be imported.
    """

    services: tuple[ServiceManifest, ...]
    stacks: tuple[StackManifest, ...]
    findings: tuple[Finding, ...]
    order: tuple[Source, ...]


def together(found: Iterable[Source], known: Mapping[str, ServiceManifest] | None = None) -> Together:
    """The manifests of a set, each checked against the others and against the services that are `known` besides.

    Where a parent or a stack's service has findings of its own, those who name it have one that says so, and are not
    looked at further. A service of the set counts before a known one of its name.
    """
    family = _Family(found)
    findings: list[Finding] = []
    services = family.read(known or {}, findings)
    kept = []
    everything = {**(known or {}), **services}
    faulty = frozenset(family.named) - frozenset(services)
    lookup = _lookup({name: service for name, service in everything.items() if name not in faulty})
    for source in family.stacks:
        read = stack_of(source.document, lookup, faulty)
        findings += read.findings
        kept += [read.value] if read.value is not None else []
    return Together(tuple(services.values()), tuple(kept), tuple(sorted(set(findings))), family.importable())


class _Family:
    """The services of a set by their names, parents first, and its stacks."""

    def __init__(self, found: Iterable[Source]) -> None:
        self.named: dict[str, Source] = {}
        self.nameless: list[Source] = []
        self.repeated: list[tuple[Source, Source]] = []
        self.stacks: list[Source] = []
        first: dict[tuple[str, str], Source] = {}
        for source in found:
            name = _text(source.document, "name")
            if name is not None and first.setdefault((source.kind, name), source) is not source:
                self.repeated.append((source, first[source.kind, name]))
            elif source.kind == "stack":
                self.stacks.append(source)
            elif name is None:
                self.nameless.append(source)
            else:
                self.named[name] = source
        parents = {name: self._parent(name) for name in self.named}
        self.waits = {name: (parent,) if parent else () for name, parent in parents.items()}
        self.order = waiting_order(self.waits)

    def importable(self) -> tuple[Source, ...]:
        """Every manifest: services after their parents, then stacks, then those whose names are taken."""
        services = (*(self.named[name] for name in self.order), *self.nameless)
        return (*services, *self.stacks, *(source for source, _ in self.repeated))

    def read(self, known: Mapping[str, ServiceManifest], findings: list[Finding]) -> dict[str, ServiceManifest]:
        """The set's services without a finding."""
        for source, first in self.repeated:
            problem = f"A {source.kind} of this name is already described in {first.document.file}."
            findings.append(_finding(source.document, "name", Code.DUPLICATE_NAME, problem, "Name one of them anew."))
        blocked = self._circular(findings) | self._newer(findings)
        services: dict[str, ServiceManifest] = {}
        for name in self.order:
            parent = self._parent(name)
            if name in blocked:
                continue
            if parent in self.named and parent not in services:
                problem = f"The parent {parent!r} has findings of its own."
                document = self.named[name].document
                findings.append(_finding(document, "from", Code.FAULTY_SERVICE, problem, "Correct it first."))
                continue
            read = service_of(self.named[name].document, lambda wanted, _: services.get(wanted, known.get(wanted)))
            findings += read.findings
            if read.value is not None:
                services[name] = read.value
        for source in self.nameless:
            findings += service_of(source.document, lambda wanted, _: services.get(wanted, known.get(wanted))).findings
        return services

    def _parent(self, name: str) -> str | None:
        return _text(self.named[name].document, "from")

    def _circular(self, findings: list[Finding]) -> set[str]:
        blocked: set[str] = set()
        for circle in circles(self.waits):
            blocked.update(circle)
            problem = f"The services inherit from each other: {' -> '.join([*circle, circle[0]])}."
            document = self.named[circle[0]].document
            findings.append(_finding(document, "from", Code.CYCLE, problem, "Remove one 'from'."))
        return blocked

    def _newer(self, findings: list[Finding]) -> set[str]:
        """Services whose `fromVersion` is not that of the parent here.

        A manifest does not say its own version. What a set can tell is that its one file of a parent has one version:
        the oldest that is pinned counts as it, and every newer pin is not there.
        """
        pins: dict[str, dict[str, tuple[int, int, int]]] = {}
        for name, source in self.named.items():
            parent, pinned = self._parent(name), version(_text(source.document, "fromVersion") or "")
            if parent in self.named and pinned is not None:
                pins.setdefault(parent, {})[name] = pinned
        blocked: set[str] = set()
        for parent, children in pins.items():
            here = min(children.values())
            for name in (name for name, pinned in children.items() if pinned > here):
                document = self.named[name].document
                said, there = _text(document, "fromVersion"), ".".join(map(str, here))
                problem = f"The parent {parent!r} is not here in version {said}: others here inherit from {there}."
                remedy = f"Add {parent!r} {said}, or pin {there}."
                findings.append(_finding(document, "fromVersion", Code.UNKNOWN_PARENT_VERSION, problem, remedy))
                blocked.add(name)
        return blocked


def _lookup(services: dict[str, ServiceManifest]) -> Lookup:
    def find(name: str, wanted: str | None) -> ServiceManifest | None:
        """A file tells no version of its own, so a version that a stack pins must be one that the service offers."""
        service = services.get(name)
        if service is None or wanted is None or any(option.version == wanted for option in service.options):
            return service
        return None

    return find


def _finding(document: Document, field: str, code: Code, message: str, remedy: str) -> Finding:
    return finding(document.file, document.line((field,)), (field,), code, message, remedy)


def _text(document: Document, field: str) -> str | None:
    value = document.data.get(field) if isinstance(document.data, dict) else None
    return value if isinstance(value, str) else None
