"""All objects of a service, and of an instance, in the order in which they are applied."""

import copy
from collections.abc import Iterable
from typing import Any

from catalogue.release import InstancePlan, Port, ServicePlan, Workload
from kube.labels import Identity, digest
from kube.manifests.bounds import holds_volume, need
from kube.manifests.configuration import claims, config_maps, secrets
from kube.manifests.foundation import foundation
from kube.manifests.metadata import metadata, selector
from kube.manifests.pods import port_name, ports_of, template, transport

Objects = list[dict[str, Any]]
MASK = "********"


def objects(identity: Identity, plan: InstancePlan) -> Objects:
    """Everything of the instance but its namespace: the foundation, what is held, what runs."""
    made = foundation(identity, need(plan))
    for service in plan.services:
        made += holdings(identity, service)
    for service in plan.services:
        made += running(identity, service)
    return made


def service_objects(identity: Identity, service: ServicePlan) -> Objects:
    """All objects of one service, for a deployment of it alone."""
    return holdings(identity, service) + running(identity, service)


def holdings(identity: Identity, service: ServicePlan) -> Objects:
    """What a service keeps whether it runs or not: secrets, configuration, claims."""
    if service.helm or service.external:
        return []
    return secrets(identity, service) + config_maps(identity, service) + claims(identity, service)


def running(identity: Identity, service: ServicePlan) -> Objects:
    """What makes a service run: its Services, disruption budgets and workloads."""
    if service.helm or service.external:
        return []
    made = _services(identity, service)
    made += [_budget(identity, service, w) for w in service.workloads if w.replicas > 1 and w.kind != "daemonset"]
    return made + [_workload(identity, service, workload) for workload in service.workloads]


def mask(manifests: Iterable[dict[str, Any]]) -> Objects:
    """Copies in which no value of a Secret can be read."""
    masked = []
    for manifest in manifests:
        if manifest.get("kind") == "Secret":
            manifest = copy.deepcopy(manifest)
            for key in ("data", "stringData"):
                if key in manifest:
                    manifest[key] = dict.fromkeys(manifest[key], MASK)
        masked.append(manifest)
    return masked


def _services(identity: Identity, service: ServicePlan) -> Objects:
    by_name = {workload.name: workload for workload in service.workloads}
    made: dict[str, dict[str, Any]] = {}
    for endpoint in service.endpoints:
        workload = by_name.get(endpoint.workload)
        if workload is None or not endpoint.ports:
            continue
        known = made.get(endpoint.host)
        ports = [] if known is None else known["spec"]["ports"]
        taken = {port["name"] for port in ports}
        ports += [_service_port(port) for port in endpoint.ports if port_name(port) not in taken]
        made[endpoint.host] = _service(identity, service, workload, endpoint.host, ports)
    for workload in service.workloads:
        if workload.kind == "statefulset":
            ports = [_service_port(port) for port in ports_of(service, workload)]
            name = peers(workload)
            made[name] = _service(identity, service, workload, name, ports)
            # Peers must find each other before they are ready.
            made[name]["spec"] |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    return list(made.values())


def peers(workload: Workload) -> str:
    """The headless Service that gives a stateful set's pods their names; at most 63 characters, as for any Service."""
    name = workload.object_name
    if len(name) > 57:
        name = f"{name[:48]}-{digest(name)[:8]}"
    return f"{name}-peers"


def _service_port(port: Port) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": port_name(port),
        "port": port.number,
        "targetPort": port.number,
        "protocol": transport(port),
    }
    if port.protocol == "http":
        made["appProtocol"] = "http"
    return made


def _service(
    identity: Identity, service: ServicePlan, workload: Workload, name: str, ports: list[dict[str, Any]]
) -> dict[str, Any]:
    spec: dict[str, Any] = {"selector": selector(identity, service, workload)}
    if ports:
        spec["ports"] = ports
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(identity, service, name, workload),
        "spec": spec,
    }


def _budget(identity: Identity, service: ServicePlan, workload: Workload) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(identity, service, workload.object_name, workload),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector(identity, service, workload)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a pod that never gets ready must not hold a node up
        },
    }


def _workload(identity: Identity, service: ServicePlan, workload: Workload) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(identity, service, workload)},
        "template": template(identity, service, workload),
    }
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
    if workload.kind == "deployment":
        spec |= {"replicas": workload.replicas, "revisionHistoryLimit": 3, "strategy": _strategy(service, workload)}
        if workload.strategy.progress_deadline is not None:
            spec["progressDeadlineSeconds"] = workload.strategy.progress_deadline
    elif workload.kind == "statefulset":
        spec |= {
            "replicas": workload.replicas,
            "revisionHistoryLimit": 3,
            "serviceName": peers(workload),
            "podManagementPolicy": "Parallel",
            "updateStrategy": _update(workload),
        }
    else:
        spec |= {"revisionHistoryLimit": 3, "updateStrategy": _update(workload)}
    if workload.strategy.min_ready is not None:
        spec["minReadySeconds"] = workload.strategy.min_ready
    return {
        "apiVersion": "apps/v1",
        "kind": kinds[workload.kind],
        "metadata": metadata(identity, service, workload.object_name, workload),
        "spec": spec,
    }


def _strategy(service: ServicePlan, workload: Workload) -> dict[str, Any]:
    """A rolling update, unless the pods hold a volume that only one node may have: it would wait for itself.

    The limits are always spelled out. Left to the server's defaults they would not be ours to take away again, and
    the server refuses them beside another strategy.
    """
    if workload.strategy.kind != "rolling" or holds_volume(service, workload):
        return {"type": "Recreate"}
    limits = {
        "maxUnavailable": _share(workload.strategy.max_unavailable or "25%"),
        "maxSurge": _share(workload.strategy.max_surge or "25%"),
    }
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def _update(workload: Workload) -> dict[str, Any]:
    """The same for stateful sets, which know limits only behind a feature gate, and daemon sets."""
    if workload.strategy.kind == "onDelete":
        return {"type": "OnDelete"}
    if workload.kind == "statefulset":
        return {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    limit = _share(workload.strategy.max_unavailable or "1")
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": limit, "maxSurge": 0}}


def _share(value: str) -> int | str:
    return int(value) if value.isdigit() else value
