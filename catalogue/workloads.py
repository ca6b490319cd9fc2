"""What runs and what is reached: the workloads, containers, endpoints and ports of a service."""

from typing import Literal

from pydantic import Field

from catalogue.items import (
    Deployment,
    GroupId,
    Item,
    Json,
    Labels,
    Name,
    PortName,
    ResourcesItem,
    Strings,
    Text,
    UserId,
    Variable,
)


class Selector(Item):
    """The labels of what the chart renders."""

    match_labels: Labels


class ContainerHelm(Item):
    """Where a container goes in the chart."""

    resources: str | None = None
    env: str | None = None
    env_kv: str | None = Field(None, alias="envKV")
    mounts: str | None = None
    image: Json = None


class ContainerItem(Item):
    """A container; what begins with `command` or `run` is in Kubernetes' own words, for services without a chart.

    One with `runAsUser` never runs as root, and needs no privileges.
    """

    name: Name
    image: Text | None = None
    build: bool = False
    hostname: str | None = None
    command: Strings | None = None
    args: Strings | None = None
    run_as_user: UserId | None = None
    run_as_group: GroupId | None = None
    env: tuple[Variable, ...] = ()
    resources: ResourcesItem = ResourcesItem()
    helm: ContainerHelm | None = None


class WorkloadHelm(Item):
    """Where a workload goes in the chart."""

    labels: str | None = None
    annotations: str | None = None
    volumes: str | None = None
    sidecars: str | None = None
    strategy: str | None = None
    min_ready: str | None = None
    progress_deadline: str | None = None
    shutdown_grace_period: str | None = None


class WorkloadItem(Item):
    """Pods that are kept running."""

    name: Name
    kind: Literal["deployment", "statefulset", "daemonset"]
    selector: Selector | None = None
    primary: bool = False
    deployment: Deployment = Deployment()
    containers: tuple[ContainerItem, ...] = Field(min_length=1)
    helm: WorkloadHelm | None = None


class PortItem(Item):
    """A port of an endpoint; private ones are never published."""

    name: PortName
    number: int = Field(ge=1, le=65535)
    protocol: Literal["http", "tcp", "udp"]
    private: bool = False
    main: bool = False


class EndpointItem(Item):
    """Ports under one name; each endpoint is one Kubernetes Service."""

    name: Name
    workload: Name | None = None
    main: bool = False
    ports: tuple[PortItem, ...] = Field(min_length=1)

    @property
    def main_port(self) -> PortItem:
        """The marked port, else the first."""
        return next((port for port in self.ports if port.main), self.ports[0])
