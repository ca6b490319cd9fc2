"""Published services as Berth itself would render them: without their charts, each with the services that it needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalogue.attachments import LinkItem
from catalogue.facts import InstanceFacts, ServiceInput
from catalogue.findings import Finding
from catalogue.folders import Source, sources
from catalogue.plan import plan
from catalogue.release import InstancePlan
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.together import together
from catalogue.tokens import materialise

Services = Mapping[str, ServiceManifest]


def without_charts(folder: str) -> tuple[dict[str, ServiceManifest], tuple[Finding, ...]]:
    """The services of a folder by name, read after their charts were taken out, and what cannot be read then.

    What only the chart knew is made up: images, and files that lie beside the manifest. A pinned version of a parent
    gives way to the one that is there.
    """
    found = [source for source in sources([folder])[0] if source.kind == "service"]
    read = together(replace(source, document=replace(source.document, data=_bare(source))) for source in found)
    return {service.name: service for service in read.services}, read.findings


def _bare(source: Source) -> Any:
    data = {name: value for name, value in source.document.data.items() if name not in ("helm", "fromVersion")}
    for workload in data.get("workloads", []):
        for container in workload["containers"]:
            container.setdefault("image", "registry.local/made-up:1")
    for config in data.get("configs", []):
        if "config" in config:
            config["configContent"] = f"made up for {config.pop('config')}\n"
    return data


def instance_of(name: str, services: Services, facts: InstanceFacts) -> InstancePlan:
    """The plan of an instance that runs this service, and what its links need."""
    chosen: dict[str, dict[str, str]] = {}
    _choose(name, services, chosen)
    items = [_item(each, links, services[each]) for each, links in chosen.items()]
    stack = StackManifest.of_data({"name": "published", "title": "Published", "services": items})
    return plan(facts, stack, list(_inputs(stack, services, facts)))


def _own(name: str) -> str:
    """Its name in the stack, which begins with a letter."""
    return name if name[0].isalpha() else f"a-{name}"


def _choose(name: str, services: Services, chosen: dict[str, dict[str, str]]) -> None:
    """Adds a service, and for each of its links the first one that fits."""
    if name in chosen:
        return
    chosen[name] = {}
    for link in services[name].links:
        others = [other for other in services.values() if other.name != name and not other.external]
        target = next((other for other in others if _fits(link, other)), None)
        if target is not None:
            _choose(target.name, services, chosen)
            chosen[name][link.name] = target.name


def _fits(link: LinkItem, target: ServiceManifest) -> bool:
    offered = {option.version for option in target.options}
    return any(
        selector.type in (None, target.type)
        and set(selector.labels) <= set(target.labels)
        and (selector.option is None or selector.option in offered)
        for selector in link.selectors
    )


def _item(name: str, links: Mapping[str, str], manifest: ServiceManifest) -> dict[str, Any]:
    """The stack service: every volume has a size, and every derivative runs."""
    return {
        "name": _own(name),
        "title": name,
        "service": name,
        "links": [{"name": link, "service": _own(target)} for link, target in links.items()],
        "volumes": [{"name": volume.name, "size": 1} for volume in manifest.volumes],
        "derivatives": [{"name": item.name, "service": item.name} for item in manifest.derivatives],
    }


def _inputs(stack: StackManifest, services: Services, facts: InstanceFacts) -> Iterator[ServiceInput]:
    for item in stack.services:
        manifest = services[item.service_name]
        made = materialise(manifest, stack, item, facts.env_type, _first)
        values = {name: token.value for name, token in made.items()}
        yield ServiceInput(item.name, item.title, _ready(manifest), f"srv_{manifest.name}", tokens=values)


def _first(choices: Sequence[str]) -> str:
    return choices[0]


def _ready(manifest: ServiceManifest) -> ServiceManifest:
    """The service with a value for each setting, needing neither links that no published service fits nor
    integrations, which Berth does not have yet.
    """
    settings = tuple(item.model_copy(update={"default": item.default or "made-up"}) for item in manifest.settings)
    links = tuple(link.model_copy(update={"required": False}) for link in manifest.links)
    return manifest.model_copy(update={"settings": settings, "links": links, "integrations": ()})
