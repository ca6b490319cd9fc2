"""What a service says about itself: names that lead nowhere, and fields that exclude or need each other."""

from collections.abc import Iterator
from datetime import datetime

from catalogue.conflicts import (
    annotation_issues,
    broken,
    conflict,
    deployment_issues,
    resource_issues,
    several,
    token_issues,
    variable_issues,
)
from catalogue.findings import Code, Issue, Path
from catalogue.items import Variable
from catalogue.known import service_issues
from catalogue.order import circles
from catalogue.services import ServiceManifest
from catalogue.versions import matches, valid
from catalogue.workloads import EndpointItem

_NOT_EXTERNAL = (
    *("deployment", "workloads", "containers", "build", "links", "volumes", "settings", "env", "configs", "actions"),
    *("certs", "keys", "cron", "derivatives"),
)


def issues(service: ServiceManifest) -> Iterator[Issue]:
    """Everything that is wrong in a service whose fields are each right."""
    yield from _whole(service)
    yield from _inheritance(service)
    yield from _options(service)
    yield from _workloads(service)
    yield from _endpoints(service, service.endpoints, ("endpoints",))
    yield from _volumes(service)
    yield from _configs(service)
    yield from _places(service)
    yield from _operations(service)
    yield from _build(service)
    yield from _database(service)
    yield from _derivatives(service)
    yield from _variables(service)
    yield from service_issues(service)


def _endpoints(service: ServiceManifest, endpoints: tuple[EndpointItem, ...], path: Path) -> Iterator[Issue]:
    workloads = {item.name for item in service.workloads}
    yield from several(endpoints, "main", path)
    for at, endpoint in enumerate(endpoints):
        if endpoint.workload is not None and endpoint.workload not in workloads:
            yield broken((*path, at, "workload"), "workload", endpoint.workload, workloads)
        yield from several(endpoint.ports, "main", (*path, at, "ports"))
        seen = set()
        for place, port in enumerate(endpoint.ports):
            sort = "udp" if port.protocol == "udp" else "tcp"
            if (port.number, sort) in seen:
                problem = f"The port {port.number} stands twice for {sort}."
                yield Issue((*path, at, "ports", place, "number"), Code.DUPLICATE_NAME, problem, "Keep one of them.")
            seen.add((port.number, sort))


def _whole(service: ServiceManifest) -> Iterator[Issue]:
    if service.external:
        for name in _NOT_EXTERNAL:
            if name in service.to_data():
                problem = f"An external service has no {name!r}."
                yield conflict((name,), problem, f"Remove {name!r}, or 'external'.")
    elif service.helm is None and not service.workloads:
        problem = "Nothing runs: the service has neither workloads nor a chart, and is not external."
        yield Issue(("workloads",), Code.MISSING_FIELD, problem, "Add 'workloads', or 'helm'.")
    if service.scalable and service.type != "service":
        problem = f"A service of type {service.type!r} cannot be scalable."
        yield conflict(("scalable",), problem, "Remove 'scalable'.")
    yield from deployment_issues(service.deployment, ("deployment",))


def _inheritance(service: ServiceManifest) -> Iterator[Issue]:
    for name, path in (
        (service.from_version_constraint, "fromVersionConstraint"),
        (service.from_option_version_constraint, "fromOptionVersionConstraint"),
    ):
        if name is not None and not valid(name):
            problem = f"The range {name!r} is not understood."
            yield Issue((path,), Code.INVALID_VALUE, problem, "Write one such as ^1.2.0 or >=1.2 <3.")
    pinned, limit = service.from_version, service.from_version_constraint
    if pinned and limit and valid(limit) and not matches(pinned, limit):
        problem = f"The pinned version {pinned} is outside of {limit!r}."
        yield conflict(("fromVersion",), problem, "Pin a version in the range, or widen it.")
    if service.from_ is None and (pinned or limit or service.from_option_version_constraint):
        yield conflict((), "A version of a parent is named, and no parent.", "Add 'from'.")


def _options(service: ServiceManifest) -> Iterator[Issue]:
    yield from several(service.options, "default", ("options",))
    for at, option in enumerate(service.options):
        try:
            datetime.fromisoformat(option.eol or "2000-01-01")
        except ValueError:
            problem = f"There is no such day as {option.eol!r}."
            yield Issue(("options", at, "eol"), Code.INVALID_VALUE, problem, "Write a date such as 2028-12-31.")


def _workloads(service: ServiceManifest) -> Iterator[Issue]:
    yield from several(service.workloads, "primary", ("workloads",))
    for at, workload in enumerate(service.workloads):
        path = ("workloads", at)
        yield from deployment_issues(workload.deployment, (*path, "deployment"))
        if service.helm is not None and workload.selector is None:
            problem = "What the chart renders is found by a selector, and there is none."
            yield Issue((*path, "selector"), Code.MISSING_FIELD, problem, "Add 'selector.matchLabels'.")
        for place, container in enumerate(workload.containers):
            inside = (*path, "containers", place)
            yield from resource_issues(container.resources, (*inside, "resources"))
            if container.run_as_group is not None and container.run_as_user is None:
                problem = "A group alone does not keep the container from running as root."
                yield conflict((*inside, "runAsGroup"), problem, "Add 'runAsUser', or remove 'runAsGroup'.")
            if service.helm is None and container.image is None:
                problem = "Without a chart a container needs an image."
                yield Issue((*inside, "image"), Code.MISSING_FIELD, problem, "Add 'image'.")


def _volumes(service: ServiceManifest) -> Iterator[Issue]:
    links = {link.name for link in service.links}
    for at, volume in enumerate(service.volumes):
        for name, target in (("link", volume.link), ("from", volume.from_)):
            if target is not None and target not in links:
                yield broken(("volumes", at, name), "link", target, links)
    for at, setting in enumerate(service.settings):
        if setting.from_ is not None and setting.from_ not in links:
            yield broken(("settings", at, "from"), "link", setting.from_, links)
    if service.build and service.build.link and service.build.link not in links:
        yield broken(("build", "link"), "link", service.build.link, links)


def _configs(service: ServiceManifest) -> Iterator[Issue]:
    versions = {option.version for option in service.options}
    for at, config in enumerate(service.configs):
        path: Path = ("configs", at)
        if sum(part is not None for part in (config.config, config.config_content, config.default)) != 1:
            problem = "A file needs exactly one of 'config', 'configContent' and 'default'."
            yield conflict(path, problem, "Give one of the three.")
        if sum(part is not None for part in (config.helm, config.filepath, config.filename)) != 1:
            problem = "A file needs exactly one of 'helm', 'filepath' and 'filename'."
            yield conflict(path, problem, "Give one of the three.")
        if config.version is not None and config.version not in versions:
            yield broken((*path, "version"), "option", config.version, versions)
        if config.config is not None and service.helm is None:
            problem = "A service without a chart is rendered from its manifest alone, and the file is not in it."
            yield Issue((*path, "config"), Code.NOT_RUNNABLE, problem, "Write the content under 'configContent'.")
        if config.default is not None:
            yield from _place(service, config.default.workload, config.default.container, (*path, "default"))


def _places(service: ServiceManifest) -> Iterator[Issue]:
    """Volumes and files that would stand at one path of the same container."""
    taken: list[tuple[str, str | None, str]] = []
    found: list[tuple[Path, str | None, str | None, str]] = [
        *((("volumes", at), item.path, None, f"the volume {item.name!r}") for at, item in enumerate(service.volumes)),
        *((("configs", at), item.filepath, item.version, f"the file {item.name!r}")
          for at, item in enumerate(service.configs)),
    ]  # fmt: skip
    for path, where, version, what in found:
        place = (where or "").rstrip("/")
        for other, of, first in taken if where is not None else ():
            if place == other and (version is None or of is None or version == of):
                yield conflict(path, f"It would stand at {where!r}, where {first} does.", "Choose another path.")
        taken += [(place, version, what)] if where is not None else []


def _place(service: ServiceManifest, workload: str | None, container: str | None, path: Path) -> Iterator[Issue]:
    """A workload, and a container of it, named by something else of the service."""
    there = [item for item in service.workloads if workload in (None, item.name)]
    inside = {found.name for item in there for found in item.containers}
    if workload is not None and not there:
        yield broken((*path, "workload"), "workload", workload, (item.name for item in service.workloads))
    elif container is not None and container not in inside:
        yield broken((*path, "container"), "container", container, inside)


def _operations(service: ServiceManifest) -> Iterator[Issue]:
    volumes, actions = {item.name for item in service.volumes}, {item.name for item in service.actions}
    build = service.build
    boilerplates = {item.name for item in (*build.boilerplates, *build.templates)} if build else set()
    for kind in ("actions", "cron", "backups", "imports"):
        for at, item in enumerate(getattr(service, kind)):
            yield from _place(service, item.workload, None, (kind, at))
    for at, action in enumerate(service.actions):
        for place, name in enumerate(action.depends):
            if name not in actions:
                yield broken(("actions", at, "depends", place), "action", name, actions)
        if action.boilerplate is not None and action.boilerplate not in boilerplates:
            yield broken(("actions", at, "boilerplate"), "boilerplate", action.boilerplate, boilerplates)
    for circle in circles({action.name: action.depends for action in service.actions}):
        problem = f"The actions wait for each other: {' -> '.join([*circle, circle[0]])}."
        yield Issue(("actions",), Code.CYCLE, problem, "Remove one 'depends'.")
    for at, backup in enumerate(service.backups):
        upload = backup.upload
        if (upload.filepath is None) == (upload.dir is None) or (upload.filepath is None) != (upload.extension is None):
            problem = "What is uploaded is either 'filepath' with 'extension', or 'dir'."
            yield conflict(("backups", at, "upload"), problem, "Give one of the two.")
    for at, imported in enumerate(service.imports):
        if imported.volume not in volumes:
            yield broken(("imports", at, "volume"), "volume", imported.volume, volumes)
        if (imported.destination is None) == (imported.init is None):
            yield conflict(("imports", at), "An import needs exactly one of 'destination' and 'init'.", "Give one.")


def _build(service: ServiceManifest) -> Iterator[Issue]:
    build = service.build
    if build is None:
        return
    containers = [found for item in service.workloads for found in item.containers]
    if service.type != "service":
        problem = f"A service of type {service.type!r} cannot be built."
        yield conflict(("build",), problem, "Remove 'build', or make its type 'service'.")
    elif not any(container.build for container in containers):
        problem = "The service is built, and no container says that it runs the image."
        yield conflict(("build",), problem, "Add 'build: true' to a container.")
    for one, other in (("dockerfile", "dockerfile_content"), ("dockerignore", "dockerignore_content")):
        if getattr(build, one) is not None and getattr(build, other) is not None:
            yield conflict(("build",), f"The {one} is given twice.", "Give the file or its content.")
    for kind in ("boilerplates", "templates"):
        items = getattr(build, kind)
        yield from several(items, "default", ("build", kind))
        for at, item in enumerate(items):
            limit = item.option_version_constraint
            if item.branch is not None and item.tag is not None:
                yield conflict(("build", kind, at), "Both a branch and a tag are given.", "Give one of the two.")
            if limit is not None and not valid(limit):
                problem = f"The range {limit!r} is not understood."
                path = ("build", kind, at, "optionVersionConstraint")
                yield Issue(path, Code.INVALID_VALUE, problem, "Write one such as ^8.3 or >=8.1 <9.")


def _database(service: ServiceManifest) -> Iterator[Issue]:
    if service.database is None:
        if service.type == "db":
            problem = "A service of type 'db' tells which database it serves."
            yield Issue(("database",), Code.MISSING_FIELD, problem, "Add 'database'.")
        return
    if service.type != "db":
        problem = f"A service of type {service.type!r} serves no database."
        yield conflict(("database",), problem, "Make its type 'db', or remove 'database'.")
    yield from several(service.database.charsets, "default", ("database", "charsets"))


def _derivatives(service: ServiceManifest) -> Iterator[Issue]:
    for at, item in enumerate(service.derivatives):
        path: Path = ("derivatives", at)
        if not item.name.startswith(f"{service.name}-"):
            problem = "A derivative's name begins with its parent's and a hyphen."
            yield Issue((*path, "name"), Code.INVALID_NAME, problem, f"Name it {service.name}-{item.name}.")
        yield from variable_issues(item.env, (*path, "env"), service.build is not None)
        yield from resource_issues(item.resources, (*path, "resources"))
        yield from _endpoints(service, item.endpoints, (*path, "endpoints"))


def _variables(service: ServiceManifest) -> Iterator[Issue]:
    buildable = service.build is not None
    yield from token_issues(service.tokens, ("tokens",))
    yield from variable_issues(service.env, ("env",), buildable)
    yield from annotation_issues(service.annotations, ("annotations",))
    for at, workload in enumerate(service.workloads):
        for place, container in enumerate(workload.containers):
            yield from variable_issues(container.env, ("workloads", at, "containers", place, "env"), buildable)
    for at, link in enumerate(service.links):
        yield from variable_issues(link.env, ("links", at, "env"), buildable)
    for at, setting in enumerate(service.settings):
        inner = [Variable(name=setting.var, value="", runtime=setting.runtime, build=setting.build)]
        for issue in variable_issues(inner, ("settings", at), buildable):
            yield Issue(("settings", at, "var"), issue.code, issue.message, issue.remedy)
