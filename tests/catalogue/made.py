"""Small manifests for the tests of the catalogue, and what reading them gives."""

from collections.abc import Mapping
from dataclasses import replace
from textwrap import dedent
from typing import Any

from catalogue.facts import InstanceFacts, ServiceInput
from catalogue.findings import Code, Read
from catalogue.plan import plan
from catalogue.read import read_service, read_stack
from catalogue.release import ServicePlan
from catalogue.services import Lookup, ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.tokens import materialise

WEB = """
name: web
title: Web
type: service
workloads:
- name: main
  kind: deployment
  containers:
  - name: nginx
    image: nginx:1.27
"""


def among(services: Mapping[str, ServiceManifest]) -> Lookup:
    return lambda name, version: services.get(name)


def web(more: str = "") -> str:
    """A service that is right, and more lines, the first of which is line 10."""
    return WEB.lstrip() + dedent(more).lstrip("\n")


def service(text: str, **parents: ServiceManifest) -> Read[ServiceManifest]:
    return read_service(dedent(text).lstrip("\n"), "service.yml", among(parents))


def valid(text: str, **parents: ServiceManifest) -> ServiceManifest:
    read = service(text, **parents)
    assert read.findings == ()
    assert read.value is not None
    return read.value


def stack(text: str, services: Mapping[str, ServiceManifest]) -> Read[StackManifest]:
    return read_stack(dedent(text).lstrip("\n"), "stack.yml", among(services))


def valid_stack(text: str, services: Mapping[str, ServiceManifest]) -> StackManifest:
    read = stack(text, services)
    assert read.findings == ()
    assert read.value is not None
    return read.value


def places(read: Read[ServiceManifest] | Read[StackManifest]) -> list[tuple[int, str, Code]]:
    """Line, path and code of every finding; a read with any has no value."""
    assert (read.value is None) == bool(read.findings)
    return [(finding.line, finding.path, finding.code) for finding in read.findings]


FACTS = InstanceFacts(
    id="ins_1",
    name="dev",
    title="Development",
    namespace="shop-dev",
    org_id="org_1",
    app_id="app_1",
    app_name="shop",
    app_title="The shop",
    env_id="env_1",
    env_name="daily",
    env_title="Daily",
    env_type="dev",
    stack_id="stk_1",
    stack_revision_id="str_1",
    stack_revision_number=3,
    cluster_id="cls_1",
    cluster_name="local",
)


def planned(
    stack_text: str, services: Mapping[str, str], facts: InstanceFacts = FACTS, **changes: Mapping[str, Any]
) -> dict[str, ServicePlan]:
    """The plan of a stack by its services' names; tokens are made of first choices, `changes` go into the inputs."""
    manifests: dict[str, ServiceManifest] = {}
    for name, text in services.items():
        manifests[name] = valid(text, **manifests)
    stack = valid_stack(stack_text, manifests)
    inputs = []
    for item in stack.services:
        manifest = manifests[item.service_name]
        made = materialise(manifest, stack, item, facts.env_type, lambda choices: choices[0])
        given = ServiceInput(
            name=item.name,
            title=item.title,
            manifest=manifest,
            revision_id=f"srv_{manifest.name}",
            enabled=not item.disabled,
            main=item.main,
            tokens={name: token.value for name, token in made.items()},
        )
        inputs.append(replace(given, **changes.pop(item.name.replace("-", "_"), {})))
    inputs += [replace(inputs[0], name=name.replace("_", "-"), **change) for name, change in changes.items()]
    return {service.name: service for service in plan(facts, stack, inputs).services}
