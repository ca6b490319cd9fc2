"""Plans and identities for tests of `kube`: one small instance, changed by keyword."""

from dataclasses import replace
from typing import Any

from catalogue.release import (
    ConfigFile,
    Container,
    Endpoint,
    EnvVar,
    InstancePlan,
    Mount,
    Port,
    Resources,
    ServicePlan,
    Strategy,
    Volume,
    Workload,
)
from kube.labels import Identity

IMAGE = "registry.local/busybox:1"
SHELL = ("/bin/sh", "-c")
TALK = "i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done"
SERVE = "cat /etc/app.conf; httpd -p 8080 -h /tmp; while true; do sleep 0.1; done"


def identity(namespace: str = "shop-dev", **changes: Any) -> Identity:
    made = Identity("installation-1", "org-1", "app-1", "shop", "instance-1", "dev", namespace, "task-1")
    return replace(made, **changes)


def container(name: str, **changes: Any) -> Container:
    made = Container(name, IMAGE, (), Resources(20, 32, None, 64), (), SHELL, (TALK,))
    return replace(made, **changes)


def web(replicas: int = 3, **changes: Any) -> ServicePlan:
    """A Deployment with an http port, variables of both kinds and a mounted file; `changes` are its container's."""
    env = (EnvVar("MODE", "fast"), EnvVar("PASSWORD", "hunter2", secret=True))
    made = container("web", **({"env": env, "args": (SERVE,)} | changes))
    return ServicePlan(
        name="web",
        title="Web",
        type="nginx",
        version="1.27",
        revision="rev-1",
        helm=False,
        external=False,
        workloads=(Workload("web", "web", "deployment", True, replicas, (made,), Strategy(grace_period=1)),),
        endpoints=(Endpoint("main", "web", "web", True, (Port("http", 8080, "http"),)),),
        volumes=(),
        configs=(ConfigFile("app", "app.conf", "hello\n", "/etc/app.conf"),),
        annotations=(),
        after=(),
    )


def talk(replicas: int = 1, **changes: Any) -> ServicePlan:
    """A StatefulSet without a port that writes a line five times a second; `changes` are its container's."""
    made = container("talk", **changes)
    return ServicePlan(
        name="talk",
        title="Talk",
        type="talk",
        version="1",
        revision="rev-2",
        helm=False,
        external=False,
        workloads=(Workload("talk", "talk", "statefulset", True, replicas, (made,), Strategy(grace_period=1)),),
        endpoints=(),
        volumes=(),
        configs=(),
        annotations=(),
        after=("web",),
    )


def with_volume(service: ServicePlan, **changes: Any) -> ServicePlan:
    """The service with one volume, mounted into each of its containers."""
    workloads = tuple(
        replace(workload, containers=tuple(replace(c, mounts=(Mount("data", "/data"),)) for c in workload.containers))
        for workload in service.workloads
    )
    volume = replace(Volume("data", f"{service.name}-data", 2), **changes)
    return replace(service, workloads=workloads, volumes=(volume,))


def plan(*services: ServicePlan, namespace: str = "shop-dev") -> InstancePlan:
    return InstancePlan("shop", "dev", namespace, services or (web(), talk()))
