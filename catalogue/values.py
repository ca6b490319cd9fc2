"""What each `{{name}}` means for one service of one instance."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.facts import InstanceFacts, ServiceInput
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest, StackService
from catalogue.templates import replace
from catalogue.tokens import declared, is_secret

LIMIT_TEXT = 1_000_000
"""How long a text may get when its templates are replaced."""

DRIVERS = {"mysql": "mysql", "mariadb": "mysql", "postgres": "pgsql", "sqlserver": "sqlsrv", "oracle": "oci8"}


class UnresolvedError(LookupError):
    """A name has no value, or something else that the service runs with is missing; the message says what, and why."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with its templates resolved, and whether a secret is in it."""

    text: str
    secret: bool


def claim_name(service: str, volume: str) -> str:
    """The claim of a volume."""
    return f"{service}-{volume}"


@dataclass(slots=True)
class AppService:
    """One service as the instance runs it. `targets` leads from its links' names to the services behind them."""

    facts: InstanceFacts
    stack: StackManifest
    stack_service: StackService
    service: ServiceInput
    name: str
    title: str
    replicas: int
    targets: Mapping[str, "AppService"] = field(default_factory=dict)
    _resolving: set[str] = field(default_factory=set, init=False)
    _found: dict[str, Rendered] = field(default_factory=dict, init=False)

    @property
    def manifest(self) -> ServiceManifest:
        """What the service is."""
        return self.service.manifest

    def render(self, text: str, link: str | None = None) -> Rendered:
        """The text with every template resolved; `link` is the one that `{{link...}}` means. Raises UnresolvedError."""
        secret, length = False, len(text)

        def value(name: str) -> str:
            nonlocal secret, length
            found = self._value(name, link)
            secret, length = secret or found.secret, length + len(found.text)
            if length > LIMIT_TEXT:
                raise UnresolvedError(f"a text of {self.name} unfolds into more than {LIMIT_TEXT} characters")
            return found.text

        return Rendered(replace(text, value), secret)

    def _value(self, name: str, link: str | None) -> Rendered:
        """The value of one name; found once, since a name may be made of others again and again."""
        said = f"{link}/{name}"
        if said in self._resolving:
            raise UnresolvedError(f"{{{{{name}}}}} is made from itself")
        if said not in self._found:
            self._resolving.add(said)
            try:
                self._found[said] = self._resolve(name, link)
            finally:
                self._resolving.discard(said)
        return self._found[said]

    def size(self, volume: str) -> int | None:
        """The size of a volume in GiB: the stack's, else the service's."""
        chosen = next((item.size for item in self.stack_service.volumes if item.name == volume), None)
        return chosen or next((item.size for item in self.manifest.volumes if item.name == volume), None)

    def storage_class(self, volume: str) -> str | None:
        """The storage class of a volume: the stack's, else the service's; None for the cluster's default."""
        levels = (self.stack_service.volumes, self.manifest.volumes)
        named = (item.storage_class_name for level in levels for item in level if item.name == volume)
        return next((name for name in named if name is not None), None)

    def chosen(self, name: str) -> str | None:
        """The value of a setting: its default, or with `from` what the link's target has under that name."""
        item = next((found for found in self.manifest.settings if found.name == name), None)
        if item is None or item.from_ is None or item.from_ not in self.targets:
            return item.default if item else None
        inherited = self.targets[item.from_].chosen(name)
        return item.default if inherited is None else inherited

    def _resolve(self, name: str, link: str | None) -> Rendered:
        head, _, rest = name.partition(".")
        if head == "link" and link is not None:
            return self._linked(link, rest, name)
        if head == "links":
            of, _, rest = rest.partition(".")
            return self._linked(of, rest, name)
        if head == "database":
            return self._database(rest)
        fixed = _plain(self)
        if name in fixed:
            return Rendered(fixed[name], False)
        return self._token(name)

    def _token(self, name: str) -> Rendered:
        tokens = declared(self.manifest, self.stack, self.stack_service, self.facts.env_type)
        if name not in tokens:
            raise UnresolvedError(f"{{{{{name}}}}} has no value for {self.name}")
        secret = is_secret(tokens[name])
        if tokens[name].generate is not None:
            if name not in self.service.tokens:
                raise UnresolvedError(f"the token {name!r} of {self.name} was never generated")
            return Rendered(self.service.tokens[name], True)
        found = self.render(self.service.tokens.get(name, tokens[name].value or ""))
        return Rendered(found.text, secret or found.secret)

    def _linked(self, link: str, rest: str, name: str) -> Rendered:
        target = self.targets.get(link)
        if target is None:
            raise UnresolvedError(
                f"{{{{{name}}}}} asks for the link {link!r} of {self.name}, which leads to nothing enabled"
            )
        kind, _, item = rest.partition(".")
        if kind == "tokens":
            return target.render(f"{{{{{item}}}}}")
        if kind == "env":
            return target.variable(item)
        if rest in ("host", "port"):
            rest = {"host": "service.host", "port": "service.mainPort.number"}[rest]
        return target.render(f"{{{{{rest}}}}}")

    def variable(self, name: str) -> Rendered:
        """A variable that the service itself declares."""
        primary = self.manifest.primary
        inside = [item for container in primary.containers for item in container.env] if primary else []
        for level in (inside, self.manifest.env):
            for wanted in (self.facts.env_type, None):
                for variable in level:
                    if variable.name == name and variable.env_type == wanted:
                        found = self.render(variable.value)
                        return Rendered(found.text, variable.secret or found.secret)
        raise UnresolvedError(f"{self.name} has no variable {name!r}")

    def _database(self, rest: str) -> Rendered:
        database = self.manifest.database
        if database is None:
            raise UnresolvedError(f"{self.name} serves no database")
        port, root = database.port or _main_port(self)[0], database.root
        texts: dict[str, str | None] = {
            "host": None if self.manifest.external else self.name,
            "port": None if self.manifest.external else str(port),
            "driver": DRIVERS[database.kind],
            "root.username": root.username if root else None,
            "root.name": root.username if root else None,
            "root.password": root.password if root else None,
            "user.name": database.user.name,
            "user.password": database.user.password,
            "db.name": database.db.name,
            "db.charset": database.db.charset,
            "db.collation": database.db.collation,
        }
        text = texts.get(rest)
        if text is None:
            raise UnresolvedError(f"{{{{database.{rest}}}}} has no value for {self.name}")
        found = self.render(text)
        return Rendered(found.text, found.secret or rest.endswith(".password"))


def _main_port(app_service: AppService) -> tuple[str, str]:
    endpoint = app_service.manifest.main_endpoint
    return (str(endpoint.main_port.number), endpoint.main_port.protocol) if endpoint else ("", "")


def _plain(app_service: AppService) -> dict[str, str]:
    """The names whose values need no look-up."""
    facts, service = app_service.facts, app_service.name
    number, protocol = _main_port(app_service)
    host = facts.hosts[0] if facts.hosts and app_service.service.main else ""
    found = {
        "app.id": facts.app_id,
        "app.name": facts.app_name,
        "app.title": facts.app_title,
        "instance.id": facts.id,
        "instance.name": facts.name,
        "instance.namespace": facts.namespace,
        "instance.title": facts.title,
        "kubernetes.id": facts.cluster_id,
        "kubernetes.externalID": facts.cluster_uid,
        "kubernetes.name": facts.cluster_name,
        "kubernetes.fullName": facts.cluster_title or facts.cluster_name,
        "env.id": facts.env_id,
        "env.name": facts.env_name,
        "env.title": facts.env_title,
        "env.type": facts.env_type,
        "org.id": facts.org_id,
        "stack.id": facts.stack_id,
        "stack.name": app_service.stack.name,
        "stack.title": app_service.stack.title,
        "stack.version": facts.stack_version,
        "stack.rev.id": facts.stack_revision_id,
        "stack.rev.number": str(facts.stack_revision_number),
        "service.id": service,
        "service.name": service,
        "service.title": app_service.title,
        "service.host": service,
        "service.fqdnPrefix": f"{service}.{facts.name}.{facts.app_name}",
        "service.primaryHost": host,
        "service.primaryURL": f"https://{host}" if host else "",
        "service.replicas": str(app_service.replicas),
        "service.mainPort.number": number,
        "service.mainPort.protocol": protocol,
        "helm.release": service,
    }
    for suffix, value in system(app_service).items():
        found |= {f"wodby{suffix.lower()}": value, f"berth{suffix.lower()}": value}
    for volume in app_service.manifest.volumes:
        size = app_service.size(volume.name)
        found[f"volumes.{volume.name}.size"] = "" if size is None else str(size)
        found[f"volumes.{volume.name}.claim"] = claim_name(service, volume.name)
        found[f"volumes.{volume.name}.storageClassName"] = app_service.storage_class(volume.name) or ""
    for item in app_service.manifest.settings:
        found[f"settings.{item.name}"] = app_service.chosen(item.name) or ""
    return found


def system(app_service: AppService) -> dict[str, str]:
    """What every container is told about where it runs, by the end of the variable's name."""
    facts = app_service.facts
    host = facts.hosts[0] if facts.hosts else ""
    return {
        "": "true",
        "_APP_NAME": facts.app_name,
        "_APP_INSTANCE_NAME": facts.name,
        "_APP_SERVICE_NAME": app_service.name,
        "_ENV_NAME": facts.env_name,
        "_ENV_TYPE": facts.env_type,
        "_HOSTS": json.dumps(list(facts.hosts)),
        "_PRIMARY_HOST": host,
        "_PRIMARY_URL": f"https://{host}" if host else "",
    }
