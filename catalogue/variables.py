"""The environment of a container: every source of a variable, from the weakest to the strongest."""

from collections.abc import Iterable, Iterator

from catalogue.items import Variable
from catalogue.release import EnvVar
from catalogue.values import AppService, system
from catalogue.workloads import ContainerItem

RESERVED = "BERTH"
"""Names that begin so are the system's own, and nothing overrides them."""


def environment(
    app_service: AppService, workload: str, container: ContainerItem, derived: Iterable[Variable] = ()
) -> tuple[EnvVar, ...]:
    """What the container sees, by name. Raises UnresolvedError.

    Weakest first: the service's own variables, its settings, its links', the stack's, the stack service's; then those
    of this one container, the service's before the stack's; then the app service's own; last the system's.
    """
    found: dict[str, EnvVar] = {}
    for variable in _inherited(app_service, workload, container, derived):
        found[variable.name] = variable
    for variable in app_service.service.variables:
        found[variable.name] = variable
    for suffix, value in system(app_service).items():
        found[RESERVED + suffix] = EnvVar(RESERVED + suffix, value)
    return tuple(found[name] for name in sorted(found))


def _inherited(
    app_service: AppService, workload: str, container: ContainerItem, derived: Iterable[Variable]
) -> Iterator[EnvVar]:
    manifest, stack_service = app_service.manifest, app_service.stack_service
    yield from _level(app_service, manifest.env)
    for item in manifest.settings:
        value = app_service.chosen(item.name)
        if item.runtime and value is not None:
            yield EnvVar(item.var, value, item.secret)
    for link in manifest.links:
        if link.name in app_service.targets:
            yield from _level(app_service, link.env, link.name)
    yield from _level(app_service, derived)
    yield from _level(app_service, app_service.stack.env)
    yield from _level(app_service, stack_service.env)
    yield from _level(app_service, container.env)
    for override in stack_service.containers:
        if override.name == container.name:
            yield from _level(app_service, override.env)
    for found in stack_service.workloads:
        for override in found.containers:
            if (found.name, override.name) == (workload, container.name):
                yield from _level(app_service, override.env)


def _level(app_service: AppService, variables: Iterable[Variable], link: str | None = None) -> Iterator[EnvVar]:
    """The runtime variables of one source, those for this type of environment after those for all."""
    kept = [item for item in variables if item.runtime and item.env_type in (None, app_service.facts.env_type)]
    for item in sorted(kept, key=lambda item: item.env_type is not None):
        value = app_service.render(item.value, link)
        yield EnvVar(item.name, value.text, item.secret or value.secret)
