"""A whole set of manifests at once, in any order: what they are, and everything that is wrong with them."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson

from catalogue.documents import Document
from catalogue.findings import Code, Finding
from catalogue.folders import Source, sources
from catalogue.order import circles, waiting_order
from catalogue.read import service_of, stack_of
from catalogue.services import Lookup, ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.versions import version

OK, FOUND, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Checked:
    """What a set of manifests came to.

    `services` and `stacks` are those without a finding, parents before those who inherit from them. `order` is every
    file that is YAML, in the order in which they can be imported.
    """

    services: tuple[ServiceManifest, ...]
    stacks: tuple[StackManifest, ...]
    findings: tuple[Finding, ...]
    order: tuple[Source, ...]

    @property
    def status(self) -> int:
        """The exit code: 0 without findings, 1 with some, 2 where something could not be read."""
        if any(finding.code == Code.UNREADABLE for finding in self.findings):
            return UNREADABLE
        return FOUND if self.findings else OK


def check(paths: Iterable[str]) -> Checked:
    """What the paths hold: files, folders and `index.yml` files. Where a parent or a
    stack's service has findings of its own, those who name it have one that says so, and are not looked at further.
    """
    found, findings = sources(list(paths))
    family = _Family(found)
    services = family.read(findings)
    kept = []
    for source in family.stacks:
        read = stack_of(source.document, _lookup(services), frozenset(family.named) - frozenset(services))
        findings += read.findings
        kept += [read.value] if read.value is not None else []
    others = (*(source for _, source in family.repeated), *family.nameless)
    order = (*(family.named[name] for name in family.order), *others, *family.stacks)
    return Checked(tuple(services.values()), tuple(kept), tuple(sorted(set(findings))), order)


def lines(findings: Iterable[Finding], json: bool = False) -> Iterator[str]:
    """One finding a line, for people or as a JSON object."""
    for finding in findings:
        yield orjson.dumps(asdict(finding)).decode() if json else str(finding)


def main(paths: Sequence[str], json: bool = False) -> int:
    """Checks the paths, prints what was found to the standard output and a count to the other, gives the exit code."""
    checked = check(paths)
    sys.stdout.writelines(f"{line}\n" for line in lines(checked.findings, json))
    manifests, findings = len(checked.order), len(checked.findings)
    sys.stderr.write(f"{manifests} manifest{'s' * (manifests != 1)} read, {findings} finding{'s' * (findings != 1)}.\n")
    return checked.status


class _Family:
    """The services of a set by their names, parents first."""

    def __init__(self, found: Iterable[Source]) -> None:
        self.named: dict[str, Source] = {}
        self.nameless: list[Source] = []
        self.repeated: list[tuple[str, Source]] = []
        self.stacks: list[Source] = []
        for source in found:
            name = _text(source.document, "name")
            if source.kind == "stack":
                self.stacks.append(source)
            elif name is None:
                self.nameless.append(source)
            elif name in self.named:
                self.repeated.append((name, source))
            else:
                self.named[name] = source
        parents = {name: self._parent(name) for name in self.named}
        self.waits = {name: (parent,) if parent else () for name, parent in parents.items()}
        self.order = waiting_order(self.waits)

    def read(self, findings: list[Finding]) -> dict[str, ServiceManifest]:
        """The services without a finding."""
        for name, source in self.repeated:
            problem = f"The service {name!r} is already described in {self.named[name].document.file}."
            findings.append(_finding(source.document, "name", Code.DUPLICATE_NAME, problem, "Name one of them anew."))
        for source in self.nameless:
            findings += service_of(source.document, lambda name, version: None).findings
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
            read = service_of(self.named[name].document, lambda wanted, version: services.get(wanted))
            findings += read.findings
            if read.value is not None:
                services[name] = read.value
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
    return Finding(document.file, document.line((field,)), field, code, message, remedy)


def _text(document: Document, field: str) -> str | None:
    value = document.data.get(field) if isinstance(document.data, dict) else None
    return value if isinstance(value, str) else None
