"""One service's part of a plan: its workloads, endpoints, volumes and files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from catalogue import release
from catalogue.attachments import ConfigItem
from catalogue.facts import ServiceInput
from catalogue.items import Deployment, ResourcesItem, seconds
from catalogue.services import DerivativeItem
from catalogue.stacks import StackDerivative
from catalogue.values import AppService, UnresolvedError, claim_name
from catalogue.variables import environment
from catalogue.workloads import ContainerItem, EndpointItem, WorkloadItem

_KEY = re.compile(r"(?!\.$|\.\.)[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivative to run: as the service offers it, as the stack runs it, and its own app service if there is one.

    It is the first container of the primary workload again, with other arguments.
    """

    item: DerivativeItem
    stack: StackDerivative
    service: ServiceInput | None

    @property
    def name(self) -> str:
        """The name of its app service."""
        return self.stack.name


def service_plan(
    app_service: AppService, after: tuple[str, ...], derived: Derived | None = None
) -> release.ServicePlan:
    """The service as it runs, or its derivative. Raises UnresolvedError for a name without a value."""
    manifest = app_service.manifest
    app_service = _as_derived(app_service, derived) if derived else app_service
    rendered = manifest.helm is None and not manifest.external
    version, tag = _option(app_service)
    workloads = [item for item in manifest.workloads if not derived or item == manifest.primary] if rendered else []
    endpoints = derived.item.endpoints if derived else manifest.endpoints
    return release.ServicePlan(
        name=app_service.name,
        title=app_service.title,
        type=derived.item.type if derived else manifest.type,
        version=version,
        revision=app_service.service.revision_id,
        helm=manifest.helm is not None,
        external=manifest.external,
        workloads=tuple(_workload(app_service, item, tag, derived) for item in workloads),
        endpoints=tuple(_endpoints(app_service, endpoints)) if rendered else (),
        volumes=_volumes(app_service) if rendered else (),
        configs=_configs(app_service, version) if rendered else (),
        annotations=_annotations(app_service),
        after=after,
    )


def _as_derived(app_service: AppService, derived: Derived) -> AppService:
    """The parent's app service under the derivative's name, with what its own app service overrides."""
    given, parent = derived.service, app_service.stack_service
    own = {
        "env": (*parent.env, *derived.stack.env),
        "workloads": (*parent.workloads, *derived.stack.workloads),
    }
    return replace(
        app_service,
        stack_service=parent.model_copy(update=own),
        name=derived.name,
        title=given.title if given else derived.stack.title or derived.item.title,
        replicas=1 if given is None or given.replicas is None else given.replicas,
        service=replace(app_service.service, main=False, variables=given.variables if given else ()),
    )


def _option(app_service: AppService) -> tuple[str | None, str | None]:
    """The version that runs, and its image's tag."""
    offered = {option.version: option for option in app_service.manifest.options}
    chosen = app_service.stack_service.options
    marked = next((option.version for option in chosen if option.default), chosen[0].version if chosen else None)
    default = app_service.manifest.default_option
    pinned = app_service.stack_service.pinned_version
    pinned = pinned if pinned in offered else None
    version = app_service.service.version or pinned or marked or (default.version if default else None)
    if version is None:
        return None, None
    if version not in offered or (chosen and version not in {option.version for option in chosen}):
        raise UnresolvedError(f"{app_service.name} is not offered in version {version}")
    return version, offered[version].tag or version


def _workload(
    app_service: AppService, item: WorkloadItem, tag: str | None, derived: Derived | None
) -> release.Workload:
    primary = item == app_service.manifest.primary
    levels = [app_service.manifest.deployment, item.deployment, app_service.stack_service.deployment]
    levels += [derived.stack.deployment] if derived else []
    levels += [found.deployment for found in app_service.stack_service.workloads if found.name == item.name]
    containers = item.containers[:1] if derived else item.containers
    return release.Workload(
        name=item.name,
        object_name=app_service.name if primary else f"{app_service.name}-{item.name}",
        kind=item.kind,
        primary=primary,
        replicas=app_service.replicas if primary else 1,
        containers=tuple(_container(app_service, item, found, tag, derived) for found in containers),
        strategy=_strategy(levels),
    )


def _container(
    app_service: AppService, workload: WorkloadItem, item: ContainerItem, tag: str | None, derived: Derived | None
) -> release.Container:
    if item.image is None:
        raise UnresolvedError(f"the container {item.name!r} of {app_service.name} names no image")
    complete = ":" in item.image.rpartition("/")[2]
    if not complete and tag is None:
        raise UnresolvedError(f"the image {item.image!r} of {app_service.name} has no version")
    args = derived.item.args if derived else item.args
    overrides = [
        found.resources
        for stack in app_service.stack_service.workloads
        if stack.name == workload.name
        for found in stack.containers
        if found.name == item.name
    ]
    overrides += [found.resources for found in app_service.stack_service.containers if found.name == item.name]
    return release.Container(
        name=item.name,
        image=item.image if complete else f"{item.image}:{tag}",
        env=environment(app_service, workload.name, item, derived.item.env if derived else ()),
        resources=_resources([item.resources, *([derived.item.resources] if derived else []), *overrides]),
        mounts=_mounts(app_service) if workload == app_service.manifest.primary else (),
        command=_rendered(app_service, item.command),
        args=_rendered(app_service, args),
        user=item.run_as_user,
        group=item.run_as_group,
    )


def _rendered(app_service: AppService, texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(_open(app_service, text, "a command") for text in texts)


def _open(app_service: AppService, text: str, what: str) -> str:
    """The text with its templates resolved, where everybody who sees the pods may read it."""
    found = app_service.render(text)
    if found.secret:
        raise UnresolvedError(f"{what} of {app_service.name} would show a secret: give it as a variable")
    return found.text


def _resources(levels: Iterable[ResourcesItem]) -> release.Resources:
    found: dict[str, int] = {}
    for level in levels:
        for side, amount in (("request", level.request), ("limit", level.limit)):
            found |= {f"{side}_{kind}": value for kind, value in amount if value is not None}
    return release.Resources(**found)


def _strategy(levels: Iterable[Deployment]) -> release.Strategy:
    found: dict[str, str | int] = {}
    for level in levels:
        found |= {name: value for name, value in level if value is not None}

    def duration(name: str) -> int | None:
        return seconds(str(found[name])) if name in found else None

    def share(name: str) -> str | None:
        return str(found[name]) if name in found else None

    return release.Strategy(
        kind=next((level.strategy for level in reversed(list(levels)) if level.strategy), "rolling"),
        max_unavailable=share("max_unavailable"),
        max_surge=share("max_surge"),
        min_ready=duration("min_ready"),
        progress_deadline=duration("progress_deadline"),
        grace_period=duration("shutdown_grace_period"),
    )


def _endpoints(app_service: AppService, endpoints: tuple[EndpointItem, ...]) -> Iterable[release.Endpoint]:
    """The main endpoint is reached by the service's own name, the others by theirs behind it."""
    main = next((item for item in endpoints if item.main), endpoints[0] if endpoints else None)
    primary = app_service.manifest.primary
    for item in endpoints:
        yield release.Endpoint(
            name=item.name,
            host=app_service.name if item == main else f"{app_service.name}-{item.name}",
            workload=item.workload or (primary.name if primary else ""),
            main=item == main,
            ports=tuple(release.Port(port.name, port.number, port.protocol, port.private) for port in item.ports),
        )


def _volumes(app_service: AppService) -> tuple[release.Volume, ...]:
    """The claims that its mounts need. A derivative's are its parent's, one with `from` is the link's target's."""
    found = []
    for item in app_service.manifest.volumes:
        if not _used(app_service, item.name):
            continue
        owner = app_service.targets.get(item.from_, None) if item.from_ else app_service
        if owner is None:
            raise UnresolvedError(
                f"the volume {item.name!r} of {app_service.name} comes from a link that leads to nothing"
            )
        size = owner.size(item.name)
        if size is None:
            raise UnresolvedError(f"the volume {item.name!r} of {owner.name} has no size")
        claim = claim_name(owner.service.name, item.name)
        borrowed = owner is not app_service or app_service.name != app_service.service.name
        found.append(release.Volume(item.name, claim, size, owner.storage_class(item.name), item.shared, borrowed))
    return tuple(found)


def _used(app_service: AppService, volume: str) -> bool:
    """Optional volumes are there when the stack gives them a size."""
    item = next(found for found in app_service.manifest.volumes if found.name == volume)
    return not item.optional or any(found.name == volume for found in app_service.stack_service.volumes)


def _mounts(app_service: AppService) -> tuple[release.Mount, ...]:
    return tuple(
        release.Mount(item.name, item.path, item.read_only)
        for item in app_service.manifest.volumes
        if item.path is not None and _used(app_service, item.name)
    )


def _configs(app_service: AppService, version: str | None) -> tuple[release.ConfigFile, ...]:
    overrides = {item.name: item for item in app_service.stack_service.configs}
    found = []
    for item in app_service.manifest.configs:
        override = overrides.get(item.name)
        content = override.config_content if override and override.config_content is not None else item.config_content
        if item.version not in (None, version) or item.default is not None or (override and override.disabled):
            continue
        if content is None:
            raise UnresolvedError(f"the file {item.name!r} of {app_service.name} has no content in the manifest")
        text = _open(app_service, content, f"the file {item.name!r}") if item.process_tokens else content
        found.append(release.ConfigFile(item.name, _filename(item), text, item.filepath))
    return tuple(found)


def _filename(item: ConfigItem) -> str:
    """The key that the file is kept under: its own name, unless Kubernetes takes it for no key."""
    last = (item.filepath or "").rpartition("/")[2]
    return item.filename or (last if _KEY.fullmatch(last) else item.name)


def _annotations(app_service: AppService) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for level in (
        app_service.manifest.annotations,
        app_service.stack.annotations,
        app_service.stack_service.annotations,
    ):
        for typed in (None, app_service.facts.env_type):
            found |= {
                item.name: _open(app_service, item.value, "an annotation") for item in level if item.env_type == typed
            }
    return tuple(sorted(found.items()))
