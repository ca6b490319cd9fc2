"""What can be wrong with the items that services and stacks have in common."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from catalogue.findings import Code, Issue, Path
from catalogue.items import Annotation, Deployment, ResourcesItem, TokenItem, Variable
from catalogue.patterns import fault
from catalogue.variables import RESERVED

OWN_PREFIX = "berth.dev"
LOOSENING = (
    "container.apparmor.security.beta.kubernetes.io",
    "seccomp.security.alpha.kubernetes.io",
    "container.seccomp.security.alpha.kubernetes.io",
)


def broken(path: Path, kind: str, name: str, known: Iterable[str]) -> Issue:
    """A name that should be found among those known, and is not."""
    there = sorted(islice(known, 20))
    remedy = f"Use one of: {', '.join(there)}." if there else f"There is no {kind} to name: add one, or leave this out."
    return Issue(path, Code.BROKEN_REFERENCE, f"There is no {kind} {name!r}.", remedy)


def conflict(path: Path, message: str, remedy: str) -> Issue:
    """Fields that exclude each other, or that need each other."""
    return Issue(path, Code.CONFLICTING_FIELDS, message, remedy)


def several(items: Iterable[Any], flag: str, path: Path) -> Iterator[Issue]:
    """Every item but the first of which the flag is set."""
    marked = [at for at, item in enumerate(items) if getattr(item, flag)]
    for at in marked[1:]:
        yield conflict((*path, at, flag), f"More than one item is marked {flag!r}.", "Mark one at most.")


def token_issues(tokens: Iterable[TokenItem], path: Path) -> Iterator[Issue]:
    """Tokens without exactly one value, and patterns that no value can be made from."""
    for at, token in enumerate(tokens):
        if (token.value is None) == (token.generate is None):
            problem = f"The token {token.name!r} needs exactly one of 'value' and 'generate'."
            yield conflict((*path, at), problem, "Give one of the two.")
        reason = fault(token.generate.regex) if token.generate else None
        if reason:
            problem = f"No value can be made from the pattern: {reason}."
            remedy = "Use literals, classes and counted repeats, such as [0-9a-z]{32}."
            yield Issue((*path, at, "generate", "regex"), Code.INVALID_PATTERN, problem, remedy)


def variable_issues(variables: Iterable[Variable], path: Path, buildable: bool) -> Iterator[Issue]:
    """Variables under reserved names, for nothing, or for builds that there are not."""
    for at, variable in enumerate(variables):
        if variable.name.startswith(RESERVED):
            problem = f"Variables whose names begin with {RESERVED} are Berth's own."
            yield Issue((*path, at, "name"), Code.RESERVED_NAME, problem, "Choose another name.")
        if not variable.runtime and not variable.build:
            yield conflict((*path, at), "The variable is for neither runtime nor build.", "Set one of them.")
        if variable.build and not buildable:
            problem = "The variable is for builds, and this service has no build."
            yield conflict((*path, at, "build"), problem, "Remove 'build', or declare how the service is built.")


def annotation_issues(annotations: Iterable[Annotation], path: Path) -> Iterator[Issue]:
    """Annotations that are Berth's own, and those by which a pod would loosen what confines it."""
    for at, annotation in enumerate(annotations):
        prefix = annotation.name.rpartition("/")[0]
        if prefix == OWN_PREFIX:
            problem = f"Annotations whose names begin with {OWN_PREFIX}/ are Berth's own."
            yield Issue((*path, at, "name"), Code.RESERVED_NAME, problem, "Choose another name.")
        if prefix in LOOSENING:
            problem = f"The annotation {annotation.name!r} would loosen what confines the pods."
            yield Issue((*path, at, "name"), Code.NOT_ISOLATED, problem, "Remove it: the runtime's own profile holds.")


def resource_issues(resources: ResourcesItem, path: Path) -> Iterator[Issue]:
    """More asked for than allowed."""
    for kind in ("cpu", "memory"):
        asked, most = getattr(resources.request, kind), getattr(resources.limit, kind)
        if asked is not None and most is not None and asked > most:
            yield conflict((*path, "request", kind), f"More {kind} is asked for than is allowed.", "Raise the limit.")


def deployment_issues(deployment: Deployment, path: Path) -> Iterator[Issue]:
    """Replacements that could never begin."""
    none = ("0", "0%")
    if str(deployment.max_surge) in none and str(deployment.max_unavailable) in none:
        problem = "With no pod more and none less, no pod can ever be replaced."
        yield conflict((*path, "maxSurge"), problem, "Raise 'maxSurge' or 'maxUnavailable'.")
