"""What a stack says about its services: links that lead nowhere or do not fit, circles, and what is not offered."""

from collections.abc import Container, Iterator, Mapping

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
from catalogue.known import ALL, known_of, stack_issues
from catalogue.links import link_issues, read_through
from catalogue.order import circles
from catalogue.services import Lookup, ServiceManifest
from catalogue.stacks import StackContainer, StackManifest, StackService, StackWorkload
from catalogue.templates import texts


def issues(stack: StackManifest, find: Lookup, faulty: Container[str]) -> Iterator[Issue]:
    """Everything that is wrong in a stack whose fields are each right."""
    manifests: dict[str, ServiceManifest] = {}
    for at, service in enumerate(stack.services):
        manifest = find(service.service_name, service.pinned_version)
        if manifest is not None:
            manifests[service.name] = manifest
        elif service.service_name in faulty:
            problem = f"The service {service.service_name!r} has findings of its own."
            yield Issue(("services", at, "service"), Code.FAULTY_SERVICE, problem, "Correct it first.")
        else:
            yield _missing(service, at, find)
    yield from _whole(stack)
    different = {manifest.name: manifest for manifest in manifests.values()}
    known = {name: known_of(manifest) for name, manifest in different.items()}
    reads = {name: read_through(manifest) for name, manifest in different.items()}
    for at, service in enumerate(stack.services):
        path: Path = ("services", at)
        yield from _alone(service, path)
        yield from _targets(stack, service, path)
        manifest = manifests.get(service.name)
        if manifest is not None:
            yield from _offered(service, manifest, path)
            yield from _parts(service, manifest, path)
            yield from link_issues(stack, at, manifests, reads)
            tokens = {token.name for token in (*stack.tokens, *service.tokens)}
            yield from stack_issues(texts(service.to_data(), path), known[manifest.name], tokens)


def _missing(service: StackService, at: int, find: Lookup) -> Issue:
    pinned = service.pinned_version
    there = pinned is not None and find(service.service_name, None) is not None
    said = (
        f"{service.service_name!r} is not there in version {pinned}" if there else f"{service.service!r} is not there"
    )
    remedy = "Import it in that version, or pin another." if there else "Import it first, or check its name."
    return Issue(("services", at, "service"), Code.UNKNOWN_SERVICE, f"The service {said}.", remedy)


def _whole(stack: StackManifest) -> Iterator[Issue]:
    yield from several(stack.services, "main", ("services",))
    yield from token_issues(stack.tokens, ("tokens",))
    yield from variable_issues(stack.env, ("env",), False)
    yield from annotation_issues(stack.annotations, ("annotations",))
    tokens = {token.name for token in stack.tokens}
    for field in ("env", "tokens", "annotations", "helm"):
        data = [item.to_data() for item in getattr(stack, field)]
        yield from stack_issues(texts(data, (field,)), ALL, tokens)
    taken = {service.name for service in stack.services}
    for at, service in enumerate(stack.services):
        for place, item in enumerate(service.derivatives):
            if item.name in taken:
                problem = f"The stack has a service {item.name!r} already."
                path = ("services", at, "derivatives", place, "name")
                yield Issue(path, Code.DUPLICATE_NAME, problem, "Choose another name.")
            taken.add(item.name)
    waits = {service.name: [*(link.service for link in service.links), *service.depends] for service in stack.services}
    waits = {name: [other for other in others if other in waits and other != name] for name, others in waits.items()}
    for circle in circles(waits):
        problem = f"The services wait for each other: {' -> '.join([*circle, circle[0]])}."
        at = next(at for at, service in enumerate(stack.services) if service.name == circle[0])
        yield Issue(("services", at), Code.CYCLE, problem, "Remove one of the links or 'depends' among them.")


def _alone(service: StackService, path: Path) -> Iterator[Issue]:
    if service.required and service.disabled:
        yield conflict((*path, "disabled"), "A required service is disabled.", "Remove one of the two.")
    if service.main and service.disabled:
        yield conflict((*path, "main"), "A disabled service cannot be the main one.", "Mark another, or enable it.")
    yield from token_issues(service.tokens, (*path, "tokens"))
    yield from variable_issues(service.env, (*path, "env"), True)
    yield from annotation_issues(service.annotations, (*path, "annotations"))
    yield from several(service.options, "default", (*path, "options"))
    yield from deployment_issues(service.deployment, (*path, "deployment"))
    for place, container in enumerate(service.containers):
        yield from _container(container, (*path, "containers", place))
    yield from _added(service.workloads, (*path, "workloads"))
    for at, item in enumerate(service.derivatives):
        inside: Path = (*path, "derivatives", at)
        yield from variable_issues(item.env, (*inside, "env"), False)
        yield from deployment_issues(item.deployment, (*inside, "deployment"))
        yield from _added(item.workloads, (*inside, "workloads"))


def _added(workloads: tuple[StackWorkload, ...], path: Path) -> Iterator[Issue]:
    """What the stack adds to workloads, by itself."""
    for at, workload in enumerate(workloads):
        yield from deployment_issues(workload.deployment, (*path, at, "deployment"))
        for place, container in enumerate(workload.containers):
            yield from _container(container, (*path, at, "containers", place))


def _container(container: StackContainer, path: Path) -> Iterator[Issue]:
    yield from variable_issues(container.env, (*path, "env"), True)
    yield from resource_issues(container.resources, (*path, "resources"))


def _targets(stack: StackManifest, service: StackService, path: Path) -> Iterator[Issue]:
    """Names of other services of the stack."""
    known = [other.name for other in stack.services if other.name != service.name]
    for at, name in enumerate(service.depends):
        if name not in known:
            yield broken((*path, "depends", at), "other service of the stack", name, known)
    for at, link in enumerate(service.links):
        if link.service not in known:
            yield broken((*path, "links", at, "service"), "other service of the stack", link.service, known)


def _offered(service: StackService, manifest: ServiceManifest, path: Path) -> Iterator[Issue]:
    versions = [option.version for option in manifest.options]
    for at, option in enumerate(service.options):
        if option.version not in versions:
            yield broken((*path, "options", at, "version"), "offered version", option.version, versions)
    if service.replicas > 1 and not manifest.scalable:
        problem = f"The service {manifest.name!r} is not scalable."
        yield conflict((*path, "replicas"), problem, "Ask for one replica, or for none.")
    if service.main and manifest.external:
        yield conflict((*path, "main"), "An external service cannot be the main one.", "Mark another.")
    elif service.main and not reachable(manifest):
        problem = "The main service needs an endpoint whose main port is HTTP and not private."
        yield conflict((*path, "main"), problem, "Mark another service, or none.")


def reachable(manifest: ServiceManifest) -> bool:
    """Whether the service can be the main one: its main endpoint's main port is HTTP, and not private."""
    endpoint = manifest.main_endpoint
    return endpoint is not None and endpoint.main_port.protocol == "http" and not endpoint.main_port.private


def with_main(stack: StackManifest, find: Lookup) -> StackManifest:
    """The stack with a main service: the one it marks, else the first enabled one that can be it, if there is any."""
    if any(service.main for service in stack.services):
        return stack
    for at, service in enumerate(stack.services):
        manifest = find(service.service_name, service.pinned_version)
        if manifest is not None and not service.disabled and not manifest.external and reachable(manifest):
            marked = service.model_copy(update={"main": True})
            return stack.model_copy(update={"services": (*stack.services[:at], marked, *stack.services[at + 1 :])})
    return stack


def _parts(service: StackService, manifest: ServiceManifest, path: Path) -> Iterator[Issue]:
    """Names of the service's own items."""
    for field, kind, items in (
        ("volumes", "volume", manifest.volumes),
        ("configs", "file", manifest.configs),
        ("links", "link", manifest.links),
    ):
        known = [item.name for item in items]
        for at, item in enumerate(getattr(service, field)):
            if item.name not in known:
                yield broken((*path, field, at, "name"), kind, item.name, known)
    derivatives = [item.name for item in manifest.derivatives]
    for at, derivative in enumerate(service.derivatives):
        if derivative.service not in derivatives:
            yield broken((*path, "derivatives", at, "service"), "derivative", derivative.service, derivatives)
    workloads: Mapping[str, list[str]] = {
        item.name: [container.name for container in item.containers] for item in manifest.workloads
    }
    every = [name for names in workloads.values() for name in names] + [item.name for item in manifest.containers]
    for at, found in enumerate(service.containers):
        if found.name not in every:
            yield broken((*path, "containers", at, "name"), "container", found.name, every)
    yield from _named(service.workloads, workloads, (*path, "workloads"))
    for at, derivative in enumerate(service.derivatives):
        yield from _named(derivative.workloads, workloads, (*path, "derivatives", at, "workloads"))
    for at, config in enumerate(service.configs):
        if config.config is not None and config.config_content is not None:
            problem = "A file needs at most one of 'config' and 'configContent'."
            yield conflict((*path, "configs", at), problem, "Give one of the two.")
        elif config.config is not None and manifest.helm is None:
            problem = "A service without a chart is rendered from manifests alone, and the file is in none."
            yield Issue((*path, "configs", at, "config"), Code.NOT_RUNNABLE, problem, "Write 'configContent' instead.")
    for at, cron in enumerate(service.cron):
        if cron.workload is not None and cron.workload not in workloads:
            yield broken((*path, "cron", at, "workload"), "workload", cron.workload, workloads)


def _named(added: tuple[StackWorkload, ...], workloads: Mapping[str, list[str]], path: Path) -> Iterator[Issue]:
    """Names of workloads of the service, and of their containers."""
    for at, workload in enumerate(added):
        if workload.name not in workloads:
            yield broken((*path, at, "name"), "workload", workload.name, workloads)
            continue
        known = workloads[workload.name]
        for place, found in enumerate(workload.containers):
            if found.name not in known:
                yield broken((*path, at, "containers", place, "name"), "container", found.name, known)
