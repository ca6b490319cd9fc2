"""What a `stack.yml` may say, as typed values that never change."""

from pydantic import Field

from catalogue.items import (
    Annotation,
    ClassName,
    Deployment,
    HelmValue,
    HelmValues,
    Item,
    ItemName,
    Json,
    Name,
    ResourcesItem,
    ServiceName,
    Size,
    Strings,
    Text,
    TokenItem,
    Variable,
)
from catalogue.operations import CronItem


class StackOption(Item):
    """A version of the service that the stack offers."""

    version: Text
    default: bool = False


class StackContainer(Item):
    """What the stack adds to a container of the service."""

    name: Name
    env: tuple[Variable, ...] = ()
    resources: ResourcesItem = ResourcesItem()


class StackWorkload(Item):
    """What the stack adds to a workload of the service."""

    name: Name
    deployment: Deployment = Deployment()
    containers: tuple[StackContainer, ...] = ()


class StackVolume(Item):
    """The size of a volume, in GiB, and the storage class that makes it."""

    name: Name
    size: Size
    storage_class_name: ClassName | None = None


class StackLink(Item):
    """A link of the service, and the stack service that it leads to."""

    name: ItemName
    service: ServiceName


class StackConfig(Item):
    """Other content for a file of the service, or none at all."""

    name: Name
    config: Text | None = None
    config_content: str | None = None
    disabled: bool = False


class StackDerivative(Item):
    """A derivative of the service that the stack runs, under a name of its own."""

    name: ServiceName
    service: Name
    title: str | None = None
    required: bool = False
    disabled: bool = False
    env: tuple[Variable, ...] = ()
    helm: HelmValues | None = None
    deployment: Deployment = Deployment()
    workloads: tuple[StackWorkload, ...] = ()


class StackService(Item):
    """A service as the stack runs it. `containers` is the older place of what now stands under `workloads`."""

    name: ServiceName
    title: Text
    service: str = Field(pattern=r"^[a-z0-9][a-z0-9/-]{0,126}(:[A-Za-z0-9._-]{1,128})?$")
    service_rev_pinned: bool = False
    required: bool = False
    disabled: bool = False
    replicas: int = Field(1, ge=0, le=1000)
    deployment: Deployment = Deployment()
    main: bool = False
    depends: Strings = ()
    options: tuple[StackOption, ...] = ()
    env: tuple[Variable, ...] = ()
    helm: tuple[HelmValue, ...] = ()
    workloads: tuple[StackWorkload, ...] = ()
    containers: tuple[StackContainer, ...] = ()
    volumes: tuple[StackVolume, ...] = ()
    links: tuple[StackLink, ...] = ()
    cron: tuple[CronItem, ...] = ()
    configs: tuple[StackConfig, ...] = ()
    tokens: tuple[TokenItem, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    derivatives: tuple[StackDerivative, ...] = ()

    @property
    def service_name(self) -> str:
        """The catalogue's name of the service, without a pinned version."""
        return self.service.partition(":")[0]

    @property
    def pinned_version(self) -> str | None:
        """The version that `service: name:version` pins, or None."""
        return self.service.partition(":")[2] or None


class StackManifest(Item):
    """A stack: services put together."""

    name: Name
    title: Text
    icon: str | None = None
    access: Json = None
    services: tuple[StackService, ...] = Field(min_length=1, max_length=500)
    env: tuple[Variable, ...] = ()
    tokens: tuple[TokenItem, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    helm: tuple[HelmValue, ...] = ()

    def service(self, name: str) -> StackService | None:
        """The stack service of this name."""
        return next((service for service in self.services if service.name == name), None)
