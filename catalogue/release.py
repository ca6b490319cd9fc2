"""What an instance is to run, with every template resolved: the values between the catalogue and Kubernetes.

`catalogue.plan` makes them; `kube.manifests` turns them into objects. They hold no template, no default and no
unknown name: what stands here is what runs.
"""

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["http", "tcp", "udp"]
WorkloadKind = Literal["deployment", "statefulset", "daemonset"]
StrategyKind = Literal["rolling", "recreate", "onDelete"]


@dataclass(frozen=True, slots=True)
class EnvVar:
    """One environment variable of a container; a secret one goes into a Secret, never into the pod's own text."""

    name: str
    value: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Port:
    """A port of an endpoint; private ones are never published."""

    name: str
    number: int
    protocol: Protocol
    private: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Ports of one workload under one Kubernetes Service. `host` is that Service's name."""

    name: str
    host: str
    workload: str
    main: bool
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU in millicores, memory in MiB; None means that nothing was asked for."""

    request_cpu: int | None = None
    request_memory: int | None = None
    limit_cpu: int | None = None
    limit_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of the service, mounted into a container at an absolute path."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of the service: kept in a ConfigMap under `filename`, mounted at `path` when there is one."""

    name: str
    filename: str
    content: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """`command`, `args` and the numbers of user and group are None where the image's own stand."""

    name: str
    image: str
    env: tuple[EnvVar, ...]
    resources: Resources
    mounts: tuple[Mount, ...] = ()
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    user: int | None = None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """How pods are replaced. Durations are whole seconds; `max_*` is a number or a percentage such as "25%"."""

    kind: StrategyKind = "rolling"
    max_unavailable: str | None = None
    max_surge: str | None = None
    min_ready: int | None = None
    progress_deadline: int | None = None
    grace_period: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """`object_name` names the Kubernetes object: the service's name, and `<service>-<workload>` beside the primary."""

    name: str
    object_name: str
    kind: WorkloadKind
    primary: bool
    replicas: int
    containers: tuple[Container, ...]
    strategy: Strategy

    @property
    def rootless(self) -> bool:
        """Whether each of its containers runs as a user that is not root."""
        return all(container.user is not None for container in self.containers)


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim that Berth makes: `claim` is its name, size in GiB. A borrowed one is made by another service."""

    name: str
    claim: str
    size: int
    storage_class: str | None = None
    shared: bool = False
    borrowed: bool = False


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One enabled app service, ready to run. `helm` says that a chart releases it, which Berth cannot do yet.

    `external` ones and those with a chart have no workloads here. `after` names the services to apply before it.
    """

    name: str
    title: str
    type: str
    version: str | None
    revision: str
    helm: bool
    external: bool
    workloads: tuple[Workload, ...]
    endpoints: tuple[Endpoint, ...]
    volumes: tuple[Volume, ...]
    configs: tuple[ConfigFile, ...]
    annotations: tuple[tuple[str, str], ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """An instance's enabled services, each after those it depends on."""

    app: str
    instance: str
    namespace: str
    services: tuple[ServicePlan, ...]

    @property
    def rooted(self) -> tuple[str, ...]:
        """The names of the services with a container that may start as root, in the plan's order."""
        return tuple(one.name for one in self.services if not all(workload.rootless for workload in one.workloads))
