"""Small manifests for the tests of the catalogue, and what reading them gives."""

from collections.abc import Mapping
from textwrap import dedent

from catalogue.findings import Code, Read
from catalogue.read import read_service, read_stack
from catalogue.services import Lookup, ServiceManifest
from catalogue.stacks import StackManifest

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
