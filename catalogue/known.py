"""Which names `{{...}}` may hold, where in a manifest: every other one is a finding."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from catalogue.findings import Code, Issue, Path
from catalogue.services import ServiceManifest
from catalogue.templates import names, texts

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


def service_issues(manifest: ServiceManifest) -> Iterator[Issue]:
    """Every name that a service's templates use and that means nothing there."""
    own = frozenset(_own(manifest))
    unprocessed = {at for at, config in enumerate(manifest.configs) if not config.process_tokens}
    for path, text in texts(manifest.to_data()):
        if path[0] == "configs" and path[1] in unprocessed and path[2] == "configContent":
            continue
        for name in names(text):
            if not (name in own or _open(manifest, name) or _local(path, name)):
                yield unknown(path, name, own)


def stack_issues(
    data: Iterable[tuple[Path, str]], manifest: ServiceManifest | None, tokens: Iterable[str]
) -> Iterator[Issue]:
    """The same for what a stack writes for a service, or, without a manifest, for all of its services."""
    own = frozenset([*tokens, *(_own(manifest) if manifest else GENERAL)])
    for path, text in data:
        for name in names(text):
            if name not in own and not (manifest and _open(manifest, name)):
                yield unknown(path, name, own)


def unknown(path: Path, name: str, known: Iterable[str]) -> Issue:
    close = get_close_matches(name, known, 1)
    remedy = f"Did you mean {{{{{close[0]}}}}}?" if close else "Declare a token of that name, or correct it."
    return Issue(path, Code.UNKNOWN_TEMPLATE, f"The name in {{{{{name}}}}} is unknown here.", remedy)


def _own(manifest: ServiceManifest) -> Iterator[str]:
    """The names that a service's own texts may use everywhere."""
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
    for link in manifest.links:
        for name in LINKED:
            yield f"links.{link.name}.{name}"
    for integration in manifest.integrations:
        yield f"integrations.{integration.name}.key"
    if manifest.database is not None:
        rootless = manifest.database.root is None
        yield from (name for name in DATABASE if not (rootless and name.startswith("database.root.")))


def _open(manifest: ServiceManifest, name: str) -> bool:
    """Whether it names something of an item that exists, where only others know what that item holds."""
    kind, _, rest = name.partition(".")
    item, _, rest = rest.partition(".")
    if kind == "links":
        return any(link.name == item for link in manifest.links) and rest.startswith(("env.", "tokens."))
    if kind == "integrations":
        return any(one.name == item for one in manifest.integrations) and rest.startswith("variables.")
    return kind == "keys" and any(key.name == item for key in manifest.keys) and bool(rest)


def _local(path: Path, name: str) -> bool:
    """Whether the name means something in this part of the manifest alone."""
    head, _, rest = name.partition(".")
    if path[0] == "links":
        return head == "link" and (rest in LINKED or rest.startswith(("env.", "tokens.")))
    if path[0] == "integrations":
        return head == "integration" and (rest == "key" or rest.startswith("variables."))
    return path[0] == "imports" and name == "import_pvc_uid"
