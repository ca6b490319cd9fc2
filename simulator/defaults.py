"""What the API server fills in where a document is silent: the documented defaults of the kinds served here."""

import base64
import zlib
from typing import Any

from simulator.kinds import Kind, Object


def fill(kind: Kind, obj: Object) -> None:
    """Sets the defaults of the kind in the object, in place."""
    spec: Any = obj.get("spec")
    match kind.name:
        case "Namespace":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            obj.setdefault("status", {}).setdefault("phase", "Active")
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")
        case "Secret":
            obj.setdefault("type", "Opaque")
            for name, text in (obj.pop("stringData", None) or {}).items():
                obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()
        case "Event":
            obj.setdefault("type", "Normal")
        case "PersistentVolumeClaim" if spec is not None:
            spec.setdefault("volumeMode", "Filesystem")
            if "status" not in obj:
                obj["metadata"].setdefault("finalizers", []).append("kubernetes.io/pvc-protection")
            obj.setdefault("status", {"phase": "Pending"})
        case "Service" if spec is not None:
            _service(obj, spec)
        case "Pod" if spec is not None:
            pod(spec)
            obj.setdefault("status", {"phase": "Pending", "qosClass": _quality(spec)})
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" if isinstance(spec, dict):
            _workload(kind.name, obj, spec)
        case "NetworkPolicy" if spec is not None:
            spec.setdefault("policyTypes", ["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        case "PodDisruptionBudget":
            counts = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
            obj.setdefault("status", dict.fromkeys(counts, 0))
        case "Ingress":
            obj.setdefault("status", {"loadBalancer": {}})
        case "ResourceQuota":
            obj.setdefault("status", {})


def _service(obj: Object, spec: Object) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] != "ExternalName":
        meta = obj["metadata"]
        number = zlib.crc32(f"{meta.get('namespace')}/{meta.get('name')}".encode())
        spec.setdefault("clusterIP", f"10.96.{number >> 8 & 255}.{number & 255 or 1}")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    obj.setdefault("status", {"loadBalancer": {}})


def _workload(name: str, obj: Object, spec: Object) -> None:
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        pod(template["spec"], terminates=name == "Job")
    if name in {"Deployment", "StatefulSet", "ReplicaSet"}:
        spec.setdefault("replicas", 1)
    if name in {"Deployment", "StatefulSet", "DaemonSet"}:
        spec.setdefault("revisionHistoryLimit", 10)
    if name == "Deployment":
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
    if name == "StatefulSet":
        spec.setdefault("podManagementPolicy", "OrderedReady")
        spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        spec.setdefault("persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Retain", "whenScaled": "Retain"})
        for claim in spec.get("volumeClaimTemplates") or []:
            claim.setdefault("apiVersion", "v1")
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
            claim.setdefault("status", {"phase": "Pending"})
    if name == "Job":
        spec.setdefault("parallelism", 1)
        spec.setdefault("completions", 1)
        spec.setdefault("backoffLimit", 6)
        spec.setdefault("completionMode", "NonIndexed")
        spec.setdefault("suspend", False)
        spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
        spec.setdefault("manualSelector", False)
        _job(obj["metadata"], spec)
    obj.setdefault("status", {"replicas": 0, "availableReplicas": 0} if name == "StatefulSet" else {})


def _job(meta: Object, spec: Object) -> None:
    """The labels by which a job knows its pods: they carry its UID."""
    if spec["manualSelector"] or not isinstance(spec.get("template"), dict):
        return
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}})
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    for prefix in ("", "batch.kubernetes.io/"):
        labels.setdefault(f"{prefix}controller-uid", meta["uid"])
        labels.setdefault(f"{prefix}job-name", meta["name"])
    if not meta.get("labels"):
        meta["labels"] = dict(labels)


def pod(spec: Object, *, terminates: bool = False) -> None:
    """Sets the defaults of a pod's spec, in place."""
    if not terminates:
        spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if account := spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", account)
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if isinstance(container, dict):
            _container(container)
    for volume in spec.get("volumes") or []:
        for source in ("configMap", "secret", "projected"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", 420)


def _container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in {"", "latest"}
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    limits, requests = container["resources"].get("limits"), container["resources"].get("requests")
    if limits:
        container["resources"]["requests"] = {**limits, **(requests or {})}
    for env in container.get("env") or []:
        source = env.get("valueFrom") or {}
        if "fieldRef" in source:
            source["fieldRef"].setdefault("apiVersion", "v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if isinstance(probe, dict):
            probe.setdefault("timeoutSeconds", 1)
            probe.setdefault("periodSeconds", 10)
            probe.setdefault("successThreshold", 1)
            probe.setdefault("failureThreshold", 3)
            if "httpGet" in probe:
                probe["httpGet"].setdefault("scheme", "HTTP")


def _quality(spec: Object) -> str:
    """The pod's quality of service class, by its containers' requests and limits."""
    resources = [one.get("resources") or {} for one in spec.get("containers") or []]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    if all((one.get("limits") or {}).keys() >= {"cpu", "memory"} and one.get("requests") == one.get("limits")
           for one in resources):  # fmt: skip
        return "Guaranteed"
    return "Burstable"
