"""Pod templates: containers, probes, mounts, and what a pod may do."""

from typing import Any

import orjson

from catalogue.release import Container, Port, Resources, ServicePlan, Workload
from kube.labels import TEMPLATE, Identity, digest
from kube.manifests.bounds import asked
from kube.manifests.configuration import config_map_name, env_name, values
from kube.manifests.foundation import ACCOUNT, PUBLIC
from kube.manifests.metadata import selector, service_labels

# What the entry points of common images need to prepare their folders and to give up root; all of it is within the
# pod security level "baseline". Everything else is dropped. A container that names its user gets none of it.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")


def ports_of(service: ServicePlan, workload: Workload) -> list[Port]:
    """The ports that the service's endpoints open on this workload, each number and transport once."""
    found: dict[tuple[int, str], Port] = {}
    for endpoint in service.endpoints:
        if endpoint.workload == workload.name:
            for port in endpoint.ports:
                found.setdefault((port.number, transport(port)), port)
    return list(found.values())


def transport(port: Port) -> str:
    return "UDP" if port.protocol == "udp" else "TCP"


def template(identity: Identity, service: ServicePlan, workload: Workload) -> dict[str, Any]:
    """The pod template. It changes exactly when the pods must be replaced.

    Its annotation holds a digest of itself and of the values that its pods read: a changed variable restarts them, and
    it tells the pods of this template from those of an earlier one.
    """
    ports = ports_of(service, workload)
    labels = service_labels(identity, service, workload)
    if any(port.protocol == "http" and not port.private for port in ports):
        labels[PUBLIC] = "true"
    spec: dict[str, Any] = {
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _pod_security(workload),
        "containers": [
            _container(service, workload, container, ports if number == 0 else [])
            for number, container in enumerate(workload.containers)
        ],
    }
    if workload.strategy.grace_period is not None:
        spec["terminationGracePeriodSeconds"] = workload.strategy.grace_period
    if workload.replicas > 1 and workload.kind != "daemonset":
        spec["topologySpreadConstraints"] = [_spread(selector(identity, service, workload))]
    volumes = _volumes(service, workload)
    if volumes:
        spec["volumes"] = volumes
    metadata: dict[str, Any] = {"labels": labels, "annotations": dict(service.annotations)}
    whole = orjson.dumps([metadata, spec, values(service, workload)], option=orjson.OPT_SORT_KEYS)
    metadata["annotations"][TEMPLATE] = digest(whole.decode())[:16]
    return {"metadata": metadata, "spec": spec}


def _container(service: ServicePlan, workload: Workload, container: Container, ports: list[Port]) -> dict[str, Any]:
    """The workload's ports stand on its first container: the containers of a pod share one network."""
    made: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": _container_security(container),
        "resources": _resources(container.resources),
    }
    if container.command is not None:
        made["command"] = list(container.command)
    if container.args is not None:
        made["args"] = list(container.args)
    if ports:
        made["ports"] = [
            {"name": port_name(port), "containerPort": port.number, "protocol": transport(port)} for port in ports
        ]
    probed = next((port for port in ports if transport(port) == "TCP"), None)
    if probed is not None:
        made["readinessProbe"] = {
            "tcpSocket": {"port": probed.number},
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": 6,
        }
    name = env_name(workload, container)
    sources = []
    if any(not entry.secret for entry in container.env):
        sources.append({"configMapRef": {"name": name}})
    if any(entry.secret for entry in container.env):
        sources.append({"secretRef": {"name": name}})
    if sources:
        made["envFrom"] = sources
    mounts = _mounts(service, workload, container)
    if mounts:
        made["volumeMounts"] = mounts
    return made


def _pod_security(workload: Workload) -> dict[str, Any]:
    """The runtime's own profile of system calls, and volumes that the pod's user can write to.

    A volume's group is set where it is another only: to look at every file at each start takes long, and PostgreSQL
    refuses a folder that its group may enter.
    """
    made: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    users = [container for container in workload.containers if container.mounts and container.user is not None]
    if users:
        group = users[0].user if users[0].group is None else users[0].group
        made |= {"fsGroup": group, "fsGroupChangePolicy": "OnRootMismatch"}
    return made


def _container_security(container: Container) -> dict[str, Any]:
    """What the container may do: nothing that needs root when it names its user, else what entry points need."""
    made: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if container.user is None:
        made["capabilities"]["add"] = list(CAPABILITIES)
        return made
    made |= {"runAsNonRoot": True, "runAsUser": container.user}
    if container.group is not None:
        made["runAsGroup"] = container.group
    return made


def port_name(port: Port) -> str:
    """A name within Kubernetes' rule (15 characters) that no other port of the pod can have."""
    return f"{'u' if transport(port) == 'UDP' else port.protocol[0]}-{port.number}"


def _resources(resources: Resources) -> dict[str, Any]:
    """Requests and limits, spelled out. No container is without a memory limit."""
    found = asked(resources)
    limits = {"memory": f"{found.memory_limit}Mi"}
    if resources.limit_cpu is not None:
        limits["cpu"] = f"{resources.limit_cpu}m"
    return {"requests": {"cpu": f"{found.cpu}m", "memory": f"{found.memory}Mi"}, "limits": limits}


def _mounted_configs(service: ServicePlan, workload: Workload) -> list[tuple[int, str, str, str]]:
    """(number, config map, file name, path) of the files that the primary workload's containers see."""
    if not workload.primary:
        return []
    return [
        (number, config_map_name(service.name, config.name), config.filename, config.path)
        for number, config in enumerate(service.configs)
        if config.path is not None
    ]


def _mounts(service: ServicePlan, workload: Workload, container: Container) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = []
    for mount in container.mounts:
        made: dict[str, Any] = {"name": _volume_name(mount.volume), "mountPath": mount.path}
        if mount.read_only:
            made["readOnly"] = True
        mounts.append(made)
    for number, _, filename, path in _mounted_configs(service, workload):
        mounts.append({"name": f"config-{number}", "mountPath": path, "subPath": filename, "readOnly": True})
    return mounts


def _volume_name(volume: str) -> str:
    """Within Kubernetes' 63 characters, and another one for each volume."""
    return f"volume-{volume}" if len(volume) <= 56 else f"volume-{volume[:47]}-{digest(volume)[:8]}"


def _volumes(service: ServicePlan, workload: Workload) -> list[dict[str, Any]]:
    used = {mount.volume for container in workload.containers for mount in container.mounts}
    volumes: list[dict[str, Any]] = [
        {
            "name": _volume_name(volume.name),
            "persistentVolumeClaim": {"claimName": volume.claim},
        }
        for volume in service.volumes
        if volume.name in used
    ]
    for number, config_map, _, _ in _mounted_configs(service, workload):
        volumes.append({"name": f"config-{number}", "configMap": {"name": config_map}})
    return volumes


def _spread(labels: dict[str, str]) -> dict[str, Any]:
    """Over nodes, and not over zones: where no node has a zone, the scheduler would pass over both."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
