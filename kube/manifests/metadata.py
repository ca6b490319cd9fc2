"""Names, labels and selectors of what belongs to one service."""

from typing import Any

from catalogue.release import ServicePlan, Workload
from kube.labels import REVISION, SERVICE, TASK, WORKLOAD, Identity, label_value, labels


def service_labels(identity: Identity, service: ServicePlan, workload: Workload | None = None) -> dict[str, str]:
    """Kubernetes' recommended labels and Berth's own. None of them changes from one deployment to the next.

    So they may stand on a pod template, where a change would restart the pods.
    """
    made = labels(identity) | {
        "app.kubernetes.io/name": label_value(service.type or service.name),
        "app.kubernetes.io/component": label_value(service.name),
        SERVICE: label_value(service.name),
    }
    made.pop(TASK, None)
    if workload is not None:
        made[WORKLOAD] = label_value(workload.object_name)
    return made


def selector(identity: Identity, service: ServicePlan, workload: Workload) -> dict[str, str]:
    """The labels that find a workload's pods; immutable, so they hold only what never changes."""
    found = service_labels(identity, service, workload)
    return {key: found[key] for key in (WORKLOAD, "app.kubernetes.io/instance")}


def metadata(identity: Identity, service: ServicePlan, name: str, workload: Workload | None = None) -> dict[str, Any]:
    """An object's metadata: also the version, the revision and the task that applied it last."""
    made = labels(identity) | service_labels(identity, service, workload)
    if service.version:
        made["app.kubernetes.io/version"] = label_value(service.version)
    if service.revision:
        made[REVISION] = label_value(service.revision)
    body: dict[str, Any] = {"name": name, "namespace": identity.namespace, "labels": made}
    if service.annotations:
        body["annotations"] = dict(service.annotations)
    return body
