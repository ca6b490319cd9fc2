"""One service's part of a plan: its workloads, endpoints, volumes and files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from catalogue import release
from catalogue.facts import ServiceInput
from catalogue.items import Deployment, ResourcesItem, seconds
from catalogue.services import DerivativeItem
from catalogue.stacks import StackDerivative
from catalogue.values import Setting, UnresolvedError, claim_name
from catalogue.variables import environment
from catalogue.workloads import ContainerItem, EndpointItem, WorkloadItem


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivative to run: as the service offers it, as the stack runs it, and its own app service if there is one."""

    item: DerivativeItem
    stack: StackDerivative
    service: ServiceInput | None

    @property
    def name(self) -> str:
        return self.stack.name


def service_plan(setting: Setting, after: tuple[str, ...], derived: Derived | None = None) -> release.ServicePlan:
    """The service as it runs, or its derivative. Raises UnresolvedError for a name without a value."""
    manifest = setting.manifest
    setting = _as_derived(setting, derived) if derived else setting
    rendered = manifest.helm is None and not manifest.external
    version, tag = _option(setting)
    workloads = [item for item in manifest.workloads if not derived or item == manifest.primary] if rendered else []
    endpoints = derived.item.endpoints if derived else manifest.endpoints
    return release.ServicePlan(
        name=setting.name,
        title=setting.title,
        type=derived.item.type if derived else manifest.type,
        version=version,
        revision=setting.service.revision_id,
        helm=manifest.helm is not None,
        external=manifest.external,
        workloads=tuple(_workload(setting, item, tag, derived) for item in workloads),
        endpoints=tuple(_endpoints(setting, endpoints)) if rendered else (),
        volumes=_volumes(setting) if rendered else (),
        configs=_configs(setting, version) if rendered else (),
        annotations=_annotations(setting),
        after=after,
    )


def _as_derived(setting: Setting, derived: Derived) -> Setting:
    """The parent's setting under the derivative's name, with what its own app service overrides."""
    given = derived.service
    return replace(
        setting,
        name=derived.name,
        title=given.title if given else derived.stack.title or derived.item.title,
        replicas=1 if given is None or given.replicas is None else given.replicas,
        service=replace(setting.service, main=False, variables=given.variables if given else ()),
    )


def _option(setting: Setting) -> tuple[str | None, str | None]:
    """The version that runs, and its image's tag."""
    offered = {option.version: option for option in setting.manifest.options}
    chosen = setting.stack_service.options
    marked = next((option.version for option in chosen if option.default), chosen[0].version if chosen else None)
    default = setting.manifest.default_option
    pinned = setting.stack_service.pinned_version
    pinned = pinned if pinned in offered else None
    version = setting.service.version or pinned or marked or (default.version if default else None)
    if version is None:
        return None, None
    if version not in offered or (chosen and version not in {option.version for option in chosen}):
        raise UnresolvedError(f"{setting.name} is not offered in version {version}")
    return version, offered[version].tag or version


def _workload(setting: Setting, item: WorkloadItem, tag: str | None, derived: Derived | None) -> release.Workload:
    primary = item == setting.manifest.primary
    stack = next((found for found in setting.stack_service.workloads if found.name == item.name), None)
    levels = [setting.manifest.deployment, item.deployment, setting.stack_service.deployment]
    levels += [stack.deployment] if stack else []
    levels += [derived.stack.deployment] if derived else []
    return release.Workload(
        name=item.name,
        object_name=setting.name if primary else f"{setting.name}-{item.name}",
        kind=item.kind,
        primary=primary,
        replicas=setting.replicas if primary else 1,
        containers=tuple(_container(setting, item, found, tag, derived) for found in item.containers),
        strategy=_strategy(levels),
    )


def _container(
    setting: Setting, workload: WorkloadItem, item: ContainerItem, tag: str | None, derived: Derived | None
) -> release.Container:
    if item.image is None:
        raise UnresolvedError(f"the container {item.name!r} of {setting.name} names no image")
    complete = ":" in item.image.rpartition("/")[2]
    if not complete and tag is None:
        raise UnresolvedError(f"the image {item.image!r} of {setting.name} has no version")
    args = derived.item.args if derived else item.args
    overrides = [
        found.resources
        for stack in setting.stack_service.workloads
        if stack.name == workload.name
        for found in stack.containers
        if found.name == item.name
    ]
    overrides += [found.resources for found in setting.stack_service.containers if found.name == item.name]
    return release.Container(
        name=item.name,
        image=item.image if complete else f"{item.image}:{tag}",
        env=environment(setting, workload.name, item, (*derived.item.env, *derived.stack.env) if derived else ()),
        resources=_resources([item.resources, *([derived.item.resources] if derived else []), *overrides]),
        mounts=_mounts(setting) if workload == setting.manifest.primary else (),
        command=_rendered(setting, item.command),
        args=_rendered(setting, args),
    )


def _rendered(setting: Setting, texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(_open(setting, text, "a command") for text in texts)


def _open(setting: Setting, text: str, what: str) -> str:
    """The text with its templates resolved, where everybody who sees the pods may read it."""
    found = setting.render(text)
    if found.secret:
        raise UnresolvedError(f"{what} of {setting.name} would show a secret: give it as a variable")
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


def _endpoints(setting: Setting, endpoints: tuple[EndpointItem, ...]) -> Iterable[release.Endpoint]:
    """The main endpoint is reached by the service's own name, the others by theirs behind it."""
    main = next((item for item in endpoints if item.main), endpoints[0] if endpoints else None)
    primary = setting.manifest.primary
    for item in endpoints:
        yield release.Endpoint(
            name=item.name,
            host=setting.name if item == main else f"{setting.name}-{item.name}",
            workload=item.workload or (primary.name if primary else ""),
            main=item == main,
            ports=tuple(release.Port(port.name, port.number, port.protocol, port.private) for port in item.ports),
        )


def _volumes(setting: Setting) -> tuple[release.Volume, ...]:
    """The claims that its mounts need. A derivative's are its parent's, one with `from` is the link's target's."""
    found = []
    for item in setting.manifest.volumes:
        if not _used(setting, item.name):
            continue
        owner = setting.targets.get(item.from_, None) if item.from_ else setting
        if owner is None:
            raise UnresolvedError(f"the volume {item.name!r} of {setting.name} comes from a link that leads to nothing")
        size = owner.size(item.name)
        if size is None:
            raise UnresolvedError(f"the volume {item.name!r} of {owner.name} has no size")
        claim = claim_name(owner.service.name, item.name)
        borrowed = owner is not setting or setting.name != setting.service.name
        found.append(release.Volume(item.name, claim, size, None, item.shared, borrowed))
    return tuple(found)


def _used(setting: Setting, volume: str) -> bool:
    """Optional volumes are there when the stack gives them a size."""
    item = next(found for found in setting.manifest.volumes if found.name == volume)
    return not item.optional or any(found.name == volume for found in setting.stack_service.volumes)


def _mounts(setting: Setting) -> tuple[release.Mount, ...]:
    return tuple(
        release.Mount(item.name, item.path, item.read_only)
        for item in setting.manifest.volumes
        if item.path is not None and _used(setting, item.name)
    )


def _configs(setting: Setting, version: str | None) -> tuple[release.ConfigFile, ...]:
    overrides = {item.name: item for item in setting.stack_service.configs}
    found = []
    for item in setting.manifest.configs:
        override = overrides.get(item.name)
        content = override.config_content if override and override.config_content is not None else item.config_content
        if item.version not in (None, version) or item.default is not None or (override and override.disabled):
            continue
        if content is None:
            raise UnresolvedError(f"the file {item.name!r} of {setting.name} has no content in the manifest")
        text = _open(setting, content, f"the file {item.name!r}") if item.process_tokens else content
        filename = item.filename or (item.filepath or item.name).rpartition("/")[2]
        found.append(release.ConfigFile(item.name, filename, text, item.filepath))
    return tuple(found)


def _annotations(setting: Setting) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for level in (setting.manifest.annotations, setting.stack.annotations, setting.stack_service.annotations):
        for typed in (None, setting.facts.env_type):
            found |= {
                item.name: _open(setting, item.value, "an annotation") for item in level if item.env_type == typed
            }
    return tuple(sorted(found.items()))
