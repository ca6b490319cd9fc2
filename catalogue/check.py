"""Every manifest that some paths mean, checked: what the command line prints, and its exit code."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson

from catalogue.findings import Code, Finding
from catalogue.folders import Source, sources
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.together import together

OK, FOUND, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Checked:
    """What the manifests of some paths came to, as `catalogue.together` says it, and what could not be read."""

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
    """What the paths hold, in any order: files, folders and `index.yml` files."""
    found, findings = sources(list(paths))
    made = together(found)
    return Checked(made.services, made.stacks, tuple(sorted({*findings, *made.findings})), made.order)


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
