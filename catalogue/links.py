"""The links of a stack's services: whether their targets fit, and have what is read through them."""

from collections.abc import Container, Iterator, Mapping

from catalogue.attachments import LinkItem
from catalogue.findings import Code, Issue, Path
from catalogue.known import resolved_texts
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.templates import names

Reads = Mapping[str, Mapping[str, tuple[str, ...]]]
"""What services read through their links: by the service's name in the catalogue, then by the link's name."""


def link_issues(
    stack: StackManifest, at: int, manifests: Mapping[str, ServiceManifest], reads: Reads
) -> Iterator[Issue]:
    """Required links without a target, and targets that do not fit, of the stack's service at this place."""
    service = stack.services[at]
    manifest = manifests[service.name]
    chosen = {link.name: (place, link.service) for place, link in enumerate(service.links)}
    others = {other.name: other for other in stack.services} if chosen else {}
    for link in manifest.links:
        if link.name not in chosen:
            if link.required:
                problem = f"The service {manifest.name!r} needs the link {link.name!r}."
                remedy = f"Link it to a service of {_wanted(link)}."
                yield Issue(("services", at, "links"), Code.LINK_MISSING, problem, remedy)
            continue
        place, name = chosen[link.name]
        path: Path = ("services", at, "links", place, "service")
        if name in others and name != service.name:
            if link.required and others[name].disabled and not service.disabled:
                problem = f"The link {link.name!r} is required, and its target {name!r} is disabled."
                yield Issue(path, Code.LINK_MISSING, problem, f"Enable {name!r}.")
            if name in manifests:
                tokens = {token.name for token in (*stack.tokens, *others[name].tokens)}
                yield from _fits(link, name, manifests[name], tokens, reads[manifest.name].get(link.name, ()), path)


def read_through(manifest: ServiceManifest) -> dict[str, tuple[str, ...]]:
    """What the service's templates ask of the target of each link, each once."""
    found: dict[str, dict[str, None]] = {link.name: {} for link in manifest.links}
    for path, text in resolved_texts(manifest):
        for name in names(text):
            head, _, rest = name.partition(".")
            if head == "link" and path[0] == "links" and isinstance(path[1], int):
                found[manifest.links[path[1]].name][rest] = None
            elif head == "links":
                link, _, rest = rest.partition(".")
                found.get(link, {})[rest] = None
    return {link: tuple(asked) for link, asked in found.items()}


def _fits(
    link: LinkItem, name: str, target: ServiceManifest, tokens: set[str], asked: tuple[str, ...], path: Path
) -> Iterator[Issue]:
    offered = {option.version for option in target.options}
    if not any(
        selector.type in (None, target.type)
        and (selector.option is None or selector.option in offered)
        and set(selector.labels) <= set(target.labels)
        for selector in link.selectors
    ):
        given = _described(target.type, None, target.labels)
        problem = f"The link {link.name!r} needs {_wanted(link)}; {name!r} is {given}."
        yield Issue(path, Code.LINK_MISMATCH, problem, "Link it to one that matches.")
        return
    tokens |= {token.name for token in target.tokens}
    for said in asked:
        if not _gives(target, said, tokens):
            problem = f"The link {link.name!r} reads {said!r} of its target, which {name!r} does not have."
            yield Issue(path, Code.LINK_MISMATCH, problem, "Link it to one that has it.")


def _gives(target: ServiceManifest, said: str, tokens: Container[str]) -> bool:
    head, _, rest = said.partition(".")
    if head == "tokens":
        return rest in tokens
    if head == "env":
        inside = [item for workload in target.workloads for found in workload.containers for item in found.env]
        return any(item.name == rest for item in (*target.env, *inside))
    if head == "database":
        return target.database is not None and (target.database.root is not None or not rest.startswith("root."))
    return said not in ("host", "port") or target.external or bool(target.endpoints)


def _wanted(link: LinkItem) -> str:
    return " or ".join(_described(selector.type, selector.option, selector.labels) for selector in link.selectors)


def _described(kind: str | None, option: str | None, labels: tuple[str, ...]) -> str:
    said = f"type {kind}" if kind else "any type"
    said += f" in version {option}" if option else ""
    return said + (f" labelled {', '.join(labels)}" if labels else "")
