"""What a plan is made from besides the manifests: who the instance is, and how each of its services is set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalogue.findings import Finding
from catalogue.items import EnvType
from catalogue.release import EnvVar
from catalogue.services import ServiceManifest


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """An instance by its ids and names; ids are the public, opaque ones. `hosts` are its routes, the main one first."""

    id: str
    name: str
    title: str
    namespace: str
    org_id: str
    app_id: str
    app_name: str
    app_title: str
    env_id: str
    env_name: str
    env_title: str
    env_type: EnvType
    stack_id: str
    stack_revision_id: str
    stack_revision_number: int
    cluster_id: str
    cluster_name: str
    cluster_title: str = ""
    cluster_uid: str = ""
    stack_version: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceInput:
    """An app service: `name` is its stack service's, `tokens` its materialised values.

    None as `replicas` or `version` means what the stack says. `variables` are the app service's own, which override
    inherited ones. A stack's derivatives need none of their own; one that is given is found by its name.
    """

    name: str
    title: str
    manifest: ServiceManifest
    revision_id: str
    enabled: bool = True
    main: bool = False
    replicas: int | None = None
    version: str | None = None
    variables: tuple[EnvVar, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)


class PlanError(Exception):
    """No plan can be made; `findings` say why, with the stack's name as their file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)
