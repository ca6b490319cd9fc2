"""From manifests and an instance's set-up to what it is to run: every option, template, size and order decided."""

from collections.abc import Iterable, Sequence

from catalogue.facts import InstanceFacts, PlanError, ServiceInput
from catalogue.findings import Code, Finding
from catalogue.order import waiting_order
from catalogue.release import InstancePlan, ServicePlan
from catalogue.rendering import Derived, service_plan
from catalogue.stacks import StackManifest, StackService
from catalogue.values import AppService, UnresolvedError

LIMIT_NAME = 63
"""The longest name of an object: Kubernetes' rule for Services, held for all."""
LIMIT_STATEFUL_SET = 52
"""The longest name of a stateful set: Kubernetes labels its pods with the name, a hyphen and a hash of ten."""

LIMIT_ANNOTATIONS = 255 * 1024
"""What an object's annotations may come to: Kubernetes' rule, less what Berth and the cluster add."""
LIMIT_DATA = 1024 * 1024
"""What a config map or a secret may hold: Kubernetes' rule."""

__all__ = ["InstanceFacts", "PlanError", "ServiceInput", "plan"]


def plan(instance: InstanceFacts, stack: StackManifest, services: Sequence[ServiceInput]) -> InstancePlan:
    """What the instance runs: its enabled services and their derivatives, each after those it waits for.

    A service that the stack does not have, a version that is not offered, and a template without a value raise
    PlanError with one finding for each.
    """
    problems: list[Finding] = []
    enabled = [service for service in services if service.enabled and stack.service(service.name) is not None]
    for service in services:
        if stack.service(service.name) is None and not _derivative(stack, service.name):
            problems.append(_finding(stack, service.name, f"The stack has no service {service.name!r}."))
    running = {service.name: _app_service(instance, stack, service) for service in enabled}
    for app_service in running.values():
        app_service.targets = {
            link.name: running[link.service] for link in app_service.stack_service.links if link.service in running
        }
    plans: dict[str, ServicePlan] = {}
    for name, app_service in running.items():
        try:
            if app_service.manifest.helm is None:
                _required(app_service)
            plans[name] = service_plan(app_service, _after(app_service.stack_service, running))
            for derived in _derivatives(app_service, services):
                plans[derived.name] = service_plan(app_service, (name,), derived)
        except UnresolvedError as error:
            problems.append(_finding(stack, name, _sentence(str(error))))
    problems += _clashes(stack, plans.values())
    problems += _oversized(stack, plans.values())
    if problems:
        raise PlanError(problems)
    order = waiting_order({name: found.after for name, found in plans.items()})
    return InstancePlan(instance.app_name, instance.name, instance.namespace, tuple(plans[name] for name in order))


def _app_service(instance: InstanceFacts, stack: StackManifest, service: ServiceInput) -> AppService:
    stack_service = stack.service(service.name)
    assert stack_service is not None
    replicas = stack_service.replicas if service.replicas is None else service.replicas
    return AppService(instance, stack, stack_service, service, service.name, service.title, replicas)


def _after(stack_service: StackService, running: Iterable[str]) -> tuple[str, ...]:
    wanted = [*(link.service for link in stack_service.links), *stack_service.depends]
    return tuple(dict.fromkeys(name for name in wanted if name in running))


def _required(app_service: AppService) -> None:
    """Raises UnresolvedError for what the service cannot run without and does not have."""
    name, manifest = app_service.name, app_service.manifest
    for link in manifest.links:
        if link.required and link.name not in app_service.targets:
            raise UnresolvedError(f"{name} needs its link {link.name!r}, which leads to nothing enabled")
    for item in manifest.settings:
        if item.required and app_service.chosen(item.name) is None:
            raise UnresolvedError(f"{name} needs a value for its setting {item.name!r}, which has no default")
    for integration in manifest.integrations:
        if integration.required:
            raise UnresolvedError(f"{name} needs its integration {integration.name!r}, and Berth has none yet")


def _derivative(stack: StackManifest, name: str) -> bool:
    return any(item.name == name for service in stack.services for item in service.derivatives)


def _derivatives(app_service: AppService, services: Sequence[ServiceInput]) -> Iterable[Derived]:
    """The enabled derivatives of a service that the stack runs."""
    own = {service.name: service for service in services}
    offered = {item.name: item for item in app_service.manifest.derivatives}
    for item in app_service.stack_service.derivatives:
        given = own.get(item.name)
        if item.service not in offered:
            raise UnresolvedError(f"the service has no derivative {item.service!r}")
        if given.enabled if given is not None else not item.disabled:
            yield Derived(offered[item.service], item, given)


def _clashes(stack: StackManifest, plans: Iterable[ServicePlan]) -> Iterable[Finding]:
    """Names of objects that two services would share, or that Kubernetes does not take: `a-b` of `c`, `a` of `b-c`."""
    owners: dict[tuple[str, str], str] = {}
    for service in plans:
        made = [("workload", item.object_name) for item in service.workloads]
        stateful = {item.object_name for item in service.workloads if item.kind == "statefulset"}
        made += [("endpoint", item.host) for item in service.endpoints]
        made += [("volume", item.claim) for item in service.volumes if not item.borrowed]
        for kind, name in made:
            longest = LIMIT_STATEFUL_SET if kind == "workload" and name in stateful else LIMIT_NAME
            if len(name) > longest:
                problem = f"The {kind} {name!r} has a name of more than {longest} characters."
                yield _finding(stack, service.name, problem)
            elif owners.setdefault((kind, name), service.name) != service.name or made.count((kind, name)) > 1:
                other = owners[kind, name]
                yield _finding(stack, service.name, f"The {kind} {name!r} would be that of {other!r} too.")


def _oversized(stack: StackManifest, plans: Iterable[ServicePlan]) -> Iterable[Finding]:
    """More text in one place than Kubernetes keeps there."""
    for service in plans:
        sizes = {"annotations": (_size(service.annotations), LIMIT_ANNOTATIONS)}
        sizes |= {f"file {file.name!r}": (_size([(file.content,)]), LIMIT_DATA) for file in service.configs}
        for workload in service.workloads:
            for container in workload.containers:
                for secret, sort in ((False, "variables"), (True, "secret variables")):
                    text = [(entry.name, entry.value) for entry in container.env if entry.secret == secret]
                    sizes[f"{sort} of {workload.name}/{container.name}"] = _size(text), LIMIT_DATA
        for what, (size, most) in sizes.items():
            if size > most:
                yield _finding(stack, service.name, f"The {what} hold {size} bytes, and Kubernetes keeps {most}.")


def _size(texts: Iterable[tuple[str, ...]]) -> int:
    return sum(len(part.encode()) for parts in texts for part in parts)


def _sentence(text: str) -> str:
    """The text with a capital letter and a full stop; a name that it begins with stays as it is."""
    first, _, rest = text.partition(" ")
    return f"{first.capitalize() if first in ('a', 'an', 'the') else first} {rest}."


def _finding(stack: StackManifest, service: str, message: str) -> Finding:
    remedy = "Correct the manifest or the app service, and publish the stack again."
    return Finding(stack.name, 0, service, Code.NOT_RUNNABLE, message, remedy)
