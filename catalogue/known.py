"""Which names `{{...}}` may hold, where in a manifest: every other one is a finding."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from catalogue.findings import Code, Issue, Path, nearest
from catalogue.services import ServiceManifest
from catalogue.templates import names, texts, unclosed

_PARTS = {
    "app": ("id", "name", "title"),
    "instance": ("id", "name", "namespace", "title"),
    "kubernetes": ("id", "externalID", "name", "fullName"),
    "env": ("id", "name", "title", "type"),
    "org": ("id",),
    "stack": ("id", "name", "title", "version", "rev.id", "rev.number"),
    "helm": ("release",),
    "service": (
        *("id", "name", "title", "host", "fqdnPrefix", "primaryURL", "primaryHost", "replicas"),
        *("mainPort.number", "mainPort.protocol", "secrets.env"),
    ),
    "database": (
        *("host", "port", "driver", "root.username", "root.name", "root.password", "user.name", "user.password"),
        *("db.name", "db.charset", "db.collation"),
    ),
}
_NAMES = {head: tuple(f"{head}.{part}" for part in parts) for head, parts in _PARTS.items()}
SERVICE, DATABASE = _NAMES["service"], _NAMES["database"]
SYSTEM = (
    "",
    "_app_name",
    "_app_instance_name",
    "_app_service_name",
    "_env_name",
    "_env_type",
    "_hosts",
    "_primary_host",
    "_primary_url",
)
GENERAL = frozenset(
    (
        *(name for head, found in _NAMES.items() if head != "database" for name in found),
        *("wodby" + name for name in SYSTEM),
        *("berth" + name for name in SYSTEM),
    )
)
"""What every service knows. The names with `wodby` are what published manifests call the system's variables."""

INFRASTRUCTURE = frozenset({"wodby_eks_lb_controller_role_arn"})
"""What the platform that published manifests were written for tells the services of its clusters."""

LINKED = frozenset({"host", "port", *SERVICE, *DATABASE})


@dataclass(frozen=True, slots=True)
class Known:
    """What the texts of one service may name everywhere: whole names, names of links, and beginnings of open ones."""

    names: frozenset[str]
    links: frozenset[str]
    open: frozenset[str]

    def has(self, name: str) -> bool:
        """Whether the name means something."""
        if name in self.names:
            return True
        head, _, rest = name.partition(".")
        item, _, rest = rest.partition(".")
        if head == "links":
            return item in self.links and _through_link(rest)
        return bool(rest) and name.rpartition(".")[0] in self.open

    def nearly(self) -> Iterator[str]:
        """Names to suggest."""
        yield from self.names
        for link in self.links:
            yield from (f"links.{link}.{name}" for name in LINKED)


ALL = Known(GENERAL, frozenset(), frozenset())
"""What may be named for every service alike."""


def known_of(manifest: ServiceManifest) -> Known:
    """What the texts of this service may name."""
    return Known(
        frozenset(_own(manifest)),
        frozenset(link.name for link in manifest.links),
        frozenset(
            (
                *(f"integrations.{item.name}.variables" for item in manifest.integrations),
                *(f"keys.{key.name}" for key in manifest.keys),
            )
        ),
    )


def resolved_texts(manifest: ServiceManifest) -> Iterator[tuple[Path, str]]:
    """The texts of a service in which templates are replaced: all but the files that are not processed."""
    unprocessed = {at for at, config in enumerate(manifest.configs) if not config.process_tokens}
    for path, text in texts(manifest.to_data()):
        if not (path[0] == "configs" and path[1] in unprocessed and path[2] == "configContent"):
            yield path, text


def service_issues(manifest: ServiceManifest) -> Iterator[Issue]:
    """Every name that a service's templates use and that means nothing there."""
    known = known_of(manifest)
    for path, text in resolved_texts(manifest):
        for name in names(text):
            if not (known.has(name) or _local(path, name)):
                yield _unknown(path, name, known)
        yield from _unclosed(path, text)


def stack_issues(data: Iterable[tuple[Path, str]], known: Known, tokens: Container[str]) -> Iterator[Issue]:
    """The same for what a stack writes: `known` for one of its services, or for all."""
    for path, text in data:
        for name in names(text):
            if name not in tokens and not known.has(name):
                yield _unknown(path, name, known)
        yield from _unclosed(path, text)


def _unknown(path: Path, name: str, known: Known) -> Issue:
    close = nearest(name, known.nearly())
    remedy = f"Did you mean {{{{{close}}}}}?" if close else "Declare a token of that name, or correct it."
    return Issue(path, Code.UNKNOWN_TEMPLATE, f"The name in {{{{{name}}}}} is unknown here.", remedy)


def _unclosed(path: Path, text: str) -> Iterator[Issue]:
    if unclosed(text):
        problem = "Two opening braces stand here without a name and two closing ones."
        yield Issue(path, Code.UNKNOWN_TEMPLATE, problem, "Write a name between them, such as {{app.name}}.")


def _own(manifest: ServiceManifest) -> Iterator[str]:
    yield from GENERAL
    if manifest.type == "infrastructure":
        yield from INFRASTRUCTURE
    for token in manifest.tokens:
        yield token.name
    for volume in manifest.volumes:
        for name in ("size", "claim", "storageClassName"):
            yield f"volumes.{volume.name}.{name}"
    for config in manifest.configs:
        yield f"configs.{config.name}.configMap"
    for setting in manifest.settings:
        yield f"settings.{setting.name}"
    for integration in manifest.integrations:
        yield f"integrations.{integration.name}.key"
    if manifest.database is not None:
        rootless = manifest.database.root is None
        yield from (name for name in DATABASE if not (rootless and name.startswith("database.root.")))


def _through_link(rest: str) -> bool:
    return rest in LINKED or (rest.startswith(("env.", "tokens.")) and not rest.endswith("."))


def _local(path: Path, name: str) -> bool:
    """Whether the name means something in this part of the manifest alone."""
    head, _, rest = name.partition(".")
    if path[0] == "links":
        return head == "link" and _through_link(rest)
    if path[0] == "integrations":
        return head == "integration" and (rest == "key" or rest.startswith("variables."))
    return path[0] == "imports" and name == "import_pvc_uid"
