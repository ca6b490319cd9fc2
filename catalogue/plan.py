"""From manifests and an instance's set-up to what it is to run: every option, template, size and order decided."""

from collections.abc import Iterable, Sequence

from catalogue.facts import InstanceFacts, PlanError, ServiceInput
from catalogue.findings import Code, Finding
from catalogue.order import waiting_order
from catalogue.release import InstancePlan, ServicePlan
from catalogue.rendering import Derived, service_plan
from catalogue.stacks import StackManifest, StackService
from catalogue.values import Setting, UnresolvedError

LIMIT_NAME = 63
"""The longest name of an object: Kubernetes' rule for Services, held for all."""

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
    settings = {service.name: _setting(instance, stack, service) for service in enabled}
    for setting in settings.values():
        setting.targets = {
            link.name: settings[link.service] for link in setting.stack_service.links if link.service in settings
        }
    plans: dict[str, ServicePlan] = {}
    for name, setting in settings.items():
        try:
            _required(setting)
            plans[name] = service_plan(setting, _after(setting.stack_service, settings))
            for derived in _derivatives(setting, services):
                plans[derived.name] = service_plan(setting, (name,), derived)
        except UnresolvedError as error:
            problems.append(_finding(stack, name, f"{str(error)[0].upper()}{str(error)[1:]}."))
    problems += _clashes(stack, plans.values())
    if problems:
        raise PlanError(problems)
    order = waiting_order({name: found.after for name, found in plans.items()})
    return InstancePlan(instance.app_name, instance.name, instance.namespace, tuple(plans[name] for name in order))


def _setting(instance: InstanceFacts, stack: StackManifest, service: ServiceInput) -> Setting:
    stack_service = stack.service(service.name)
    assert stack_service is not None
    replicas = stack_service.replicas if service.replicas is None else service.replicas
    return Setting(instance, stack, stack_service, service, service.name, service.title, replicas)


def _after(stack_service: StackService, settings: Iterable[str]) -> tuple[str, ...]:
    wanted = [*(link.service for link in stack_service.links), *stack_service.depends]
    return tuple(dict.fromkeys(name for name in wanted if name in settings))


def _required(setting: Setting) -> None:
    """Raises UnresolvedError for a required link that leads to nothing enabled."""
    for link in setting.manifest.links:
        if link.required and link.name not in setting.targets:
            raise UnresolvedError(f"{setting.name} needs its link {link.name!r}, which leads to nothing enabled")


def _derivative(stack: StackManifest, name: str) -> bool:
    return any(item.name == name for service in stack.services for item in service.derivatives)


def _derivatives(setting: Setting, services: Sequence[ServiceInput]) -> Iterable[Derived]:
    """The enabled derivatives of a service that the stack runs."""
    own = {service.name: service for service in services}
    offered = {item.name: item for item in setting.manifest.derivatives}
    for item in setting.stack_service.derivatives:
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
        made += [("endpoint", item.host) for item in service.endpoints]
        made += [("volume", item.claim) for item in service.volumes if not item.borrowed]
        for kind, name in made:
            if len(name) > LIMIT_NAME:
                problem = f"The {kind} {name!r} has a name of more than {LIMIT_NAME} characters."
                yield _finding(stack, service.name, problem)
            elif owners.setdefault((kind, name), service.name) != service.name or made.count((kind, name)) > 1:
                other = owners[kind, name]
                yield _finding(stack, service.name, f"The {kind} {name!r} would be that of {other!r} too.")


def _finding(stack: StackManifest, service: str, message: str) -> Finding:
    remedy = "Correct the manifest or the app service, and publish the stack again."
    return Finding(stack.name, 0, service, Code.NOT_RUNNABLE, message, remedy)
