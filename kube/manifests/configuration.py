"""Configuration and storage of one service: secrets and config maps apart, claims that outlive its pods."""

import base64
from typing import Any

from catalogue.release import Container, ServicePlan, Volume, Workload
from kube.labels import Identity, object_name
from kube.manifests.metadata import metadata

Objects = list[dict[str, Any]]


def config_map_name(service: str, config: str) -> str:
    """The ConfigMap of one config file. Its parts are joined by a dot, which no machine name holds."""
    return object_name(service, config)


def env_name(workload: Workload, container: Container) -> str:
    """The name of both the ConfigMap and the Secret that hold a container's variables."""
    return object_name(workload.object_name, container.name, "env")


def config_maps(identity: Identity, service: ServicePlan) -> Objects:
    """One for each config file, and one for each container with plain variables."""
    made = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(identity, service, config_map_name(service.name, config.name)),
            "data": {config.filename: config.content},
        }
        for config in service.configs
    ]
    for workload, container in _containers(service):
        plain = {entry.name: entry.value for entry in container.env if not entry.secret}
        if plain:
            body = metadata(identity, service, env_name(workload, container), workload)
            made.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": body, "data": plain})
    return made


def secrets(identity: Identity, service: ServicePlan) -> Objects:
    """One for each container with secret variables. The values are only encoded: mask before showing."""
    made = []
    for workload, container in _containers(service):
        # `data`, not `stringData`: server-side apply would never take a key out of the latter again.
        hidden = {
            entry.name: base64.b64encode(entry.value.encode()).decode() for entry in container.env if entry.secret
        }
        if hidden:
            body = metadata(identity, service, env_name(workload, container), workload)
            made.append({"apiVersion": "v1", "kind": "Secret", "metadata": body, "type": "Opaque", "data": hidden})
    return made


def claims(identity: Identity, service: ServicePlan) -> Objects:
    return [_claim(identity, service, volume) for volume in service.volumes if not volume.borrowed]


def values(service: ServicePlan, workload: Workload) -> list[Any]:
    """All that the workload's pods read when they start, and would not notice a change of."""
    return [
        [[c.name, [[entry.name, entry.value, entry.secret] for entry in c.env]] for c in workload.containers],
        [[c.name, c.filename, c.content, c.path] for c in service.configs],
    ]


def _containers(service: ServicePlan) -> list[tuple[Workload, Container]]:
    return [(workload, container) for workload in service.workloads for container in workload.containers]


def _claim(identity: Identity, service: ServicePlan, volume: Volume) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteMany" if volume.shared else "ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{volume.size}Gi"}},
    }
    if volume.storage_class:
        spec["storageClassName"] = volume.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(identity, service, volume.claim),
        "spec": spec,
    }
