"""What a `service.yml` may say, as typed values that never change."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from catalogue.attachments import CertItem, ConfigItem, IntegrationItem, KeyItem, LinkItem, SettingItem, VolumeItem
from catalogue.items import (
    Annotation,
    Deployment,
    HelmValue,
    HelmValues,
    Item,
    Json,
    Name,
    Reference,
    ResourcesItem,
    ServiceType,
    Strings,
    Text,
    TokenItem,
    Variable,
)
from catalogue.operations import ActionItem, BackupItem, BuildItem, CronItem, DatabaseItem, ImportItem
from catalogue.workloads import EndpointItem, WorkloadItem

Day = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?$"


class Option(Item):
    """A version that the service is offered in; its tag is the version itself where none is given."""

    version: Text
    tag: Text | None = None
    default: bool = False
    eol: str | None = Field(None, pattern=Day)


class DerivativeItem(Item):
    """Another service from the same image: its name begins with its parent's."""

    name: Name
    title: Text
    type: ServiceType
    args: Strings = Field(min_length=1)
    icon: str | None = None
    default: bool = False
    required: bool = False
    env: tuple[Variable, ...] = ()
    endpoints: tuple[EndpointItem, ...] = ()
    resources: ResourcesItem = ResourcesItem()
    helm: HelmValues | None = None


class ValueMappings(Item):
    """Where the chart has what Berth would set."""

    replicas: str | None = None
    fullname_override: str | None = None
    service_account_name: str | None = None
    service_account_create: str | None = None
    strategy: str | None = None
    min_ready: str | None = None
    progress_deadline: str | None = None
    shutdown_grace_period: str | None = None


class CrdChart(Item):
    """A chart of custom resource definitions that is released before the service's own."""

    name: Text
    source: Text
    chart: Text
    version: Text
    values: tuple[HelmValue, ...] = ()


class HelmConfiguration(Item):
    """Where a container's values go in the chart, in manifests older than `workloads`."""

    container: Name
    labels: str | None = None
    annotations: str | None = None
    resources: str | None = None
    env: str | None = None
    env_kv: str | None = Field(None, alias="envKV")
    volumes: str | None = None
    mounts: str | None = None


class HelmItem(Item):
    """The chart that releases the service."""

    name: Name
    source: Text | None = None
    chart: Text
    version: Text
    image_pull_secrets: str | None = None
    value_mappings: ValueMappings = ValueMappings()
    crds: Json = None
    crd_charts: tuple[CrdChart, ...] = ()
    values: tuple[HelmValue, ...] = ()
    configurations: tuple[HelmConfiguration, ...] = ()


class OldContainer(Item):
    """A container by its name alone, in manifests older than `workloads`."""

    name: Name


class ServiceManifest(Item):
    """A service, with everything that it inherits already merged in."""

    name: Reference
    title: Text
    type: ServiceType
    icon: str | None = None
    labels: Strings = ()
    from_: Reference | None = Field(None, alias="from")
    from_version: str | None = None
    from_version_constraint: str | None = None
    from_option_version_constraint: str | None = None
    update: Literal["auto", "manual"] | None = None
    external: bool = False
    scalable: bool = False
    options: tuple[Option, ...] = ()
    env: tuple[Variable, ...] = ()
    workloads: tuple[WorkloadItem, ...] = ()
    containers: tuple[OldContainer, ...] = ()
    deployment: Deployment = Deployment()
    endpoints: tuple[EndpointItem, ...] = ()
    links: tuple[LinkItem, ...] = ()
    volumes: tuple[VolumeItem, ...] = ()
    settings: tuple[SettingItem, ...] = ()
    integrations: tuple[IntegrationItem, ...] = ()
    tokens: tuple[TokenItem, ...] = ()
    keys: tuple[KeyItem, ...] = ()
    certs: tuple[CertItem, ...] = ()
    configs: tuple[ConfigItem, ...] = ()
    build: BuildItem | None = None
    actions: tuple[ActionItem, ...] = ()
    cron: tuple[CronItem, ...] = ()
    backups: tuple[BackupItem, ...] = ()
    imports: tuple[ImportItem, ...] = ()
    database: DatabaseItem | None = None
    derivatives: tuple[DerivativeItem, ...] = ()
    helm: HelmItem | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def primary(self) -> WorkloadItem | None:
        """The workload that logs, shells and endpoints mean when they name none: the marked one, else the first."""
        return next((item for item in self.workloads if item.primary), self.workloads[0] if self.workloads else None)

    @property
    def main_endpoint(self) -> EndpointItem | None:
        """The endpoint that the service's own name reaches: the marked one, else the first."""
        return next((item for item in self.endpoints if item.main), self.endpoints[0] if self.endpoints else None)

    @property
    def default_option(self) -> Option | None:
        """The version that runs where none is chosen: the marked one, else the first."""
        return next((item for item in self.options if item.default), self.options[0] if self.options else None)


Lookup = Callable[[str, str | None], ServiceManifest | None]
"""Finds a service by name, in the version that is pinned, or in its newest where that is None."""
