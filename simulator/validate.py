"""What the API server refuses in a document: names, required fields, what may not change.

Only what a writer of manifests is likely to run into is here; the words are the real server's.
"""

import re
from fractions import Fraction

from simulator.errors import bad_request, invalid
from simulator.findings import (
    LABEL,
    LABEL_KEY,
    LABEL_KEY_RULE,
    LABEL_RULE,
    LABEL_VALUE,
    LABEL_VALUE_RULE,
    SERVICE_NAME,
    SERVICE_NAME_RULE,
    SUBDOMAIN,
    SUBDOMAIN_RULE,
    Findings,
)  # fmt: skip
from simulator.kinds import Kind, Object
from simulator.podspec import check_pod
from simulator.quota import quantity
from simulator.selectors import matches


def check(kind: Kind, obj: Object) -> None:
    """Raises the 422 (or the 400 for a document of another shape) that the API server would answer."""
    found = Findings()
    meta = obj["metadata"]
    name = meta.get("name", "")
    _name(kind, name, found)
    _labels("metadata.labels", meta.get("labels") or {}, found)
    for finalizer in meta.get("finalizers") or []:
        if "/" not in finalizer and finalizer not in {"kubernetes", "orphan", "foregroundDeletion"}:
            found.wrong("metadata.finalizers", finalizer, "name is neither a standard finalizer name nor is it fully "
                        "qualified")  # fmt: skip
    spec = obj.get("spec")
    if spec is not None and not isinstance(spec, dict):
        raise bad_request(f"{kind.name} in version {kind.version!r} cannot be handled as a {kind.name}: spec is no map")
    match kind.name:
        case "Pod":
            check_pod("spec", spec or {}, found)
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet":
            _workload(spec or {}, found)
        case "Job":
            check_pod("spec.template.spec", ((spec or {}).get("template") or {}).get("spec") or {}, found)
            policy = ((spec or {}).get("template") or {}).get("spec", {}).get("restartPolicy")
            if policy not in {"Never", "OnFailure"}:
                field, rule = "spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'
                if policy:
                    found.unsupported(field, policy, '"OnFailure", "Never"')
                else:
                    found.required(field, rule)
        case "Service":
            _service(spec or {}, found)
        case "PersistentVolumeClaim":
            if not (spec or {}).get("accessModes"):
                found.required("spec.accessModes", "at least 1 access mode is required")
            if "storage" not in (((spec or {}).get("resources") or {}).get("requests") or {}):
                found.required("spec.resources[storage]")
        case "NetworkPolicy":
            for at, policy in enumerate((spec or {}).get("policyTypes") or []):
                if policy not in {"Ingress", "Egress"}:
                    found.unsupported(f"spec.policyTypes[{at}]", policy, '"Ingress", "Egress"')
        case "Ingress":
            if not (spec or {}).get("rules") and not (spec or {}).get("defaultBackend"):
                found.wrong("spec", None, "either `defaultBackend` or `rules` must be specified")
        case "ConfigMap" | "Secret":
            for key in obj.get("data") or {}:
                if key.startswith("..") or key == ".":
                    said = "start with '..'" if len(key) > 2 else f"be '{key}'"
                    found.wrong(f"data[{key}]", key, f"must not {said}")
                elif not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
                    found.wrong(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, "
                                "'-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
                                "validation is '[-._a-zA-Z0-9]+')")  # fmt: skip
    if found:
        raise invalid(kind, name, found)


def _name(kind: Kind, name: str, found: Findings) -> None:
    if not name:
        found.required("metadata.name", "name or generateName is required")
    elif kind.name == "Namespace":
        if len(name) > 63:
            found.wrong("metadata.name", name, "must be no more than 63 characters")
        elif not LABEL.fullmatch(name):
            found.wrong("metadata.name", name, LABEL_RULE)
    elif kind.name == "Service":
        if len(name) > 63:
            found.wrong("metadata.name", name, "must be no more than 63 characters")
        elif not SERVICE_NAME.fullmatch(name):
            found.wrong("metadata.name", name, SERVICE_NAME_RULE)
    elif len(name) > 253:
        found.wrong("metadata.name", name, "must be no more than 253 characters")
    elif kind.group != "rbac.authorization.k8s.io" and not SUBDOMAIN.fullmatch(name):
        found.wrong("metadata.name", name, SUBDOMAIN_RULE)


def _labels(field: str, labels: Object, found: Findings) -> None:
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            found.wrong(field, key, LABEL_KEY_RULE)
        if len(str(value)) > 63:
            found.wrong(field, value, "must be no more than 63 characters")
        elif not LABEL_VALUE.fullmatch(str(value)):
            found.wrong(field, value, LABEL_VALUE_RULE)


def _workload(spec: Object, found: Findings) -> None:
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if not selector:
        found.required("spec.selector")
    if not selector or not matches(selector, labels):
        found.wrong("spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`")
    if isinstance(spec.get("replicas"), int) and spec["replicas"] < 0:
        found.wrong("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    _labels("spec.template.labels", labels, found)
    claims = frozenset(one["metadata"]["name"] for one in spec.get("volumeClaimTemplates") or [])
    check_pod("spec.template.spec", template.get("spec") or {}, found, claims)


def _service(spec: Object, found: Findings) -> None:
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        found.required("spec.ports")
    seen: set[tuple[object, str]] = set()
    for at, port in enumerate(spec.get("ports") or []):
        if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
            found.wrong(f"spec.ports[{at}].port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if len(spec["ports"]) > 1 and not port.get("name"):
            found.required(f"spec.ports[{at}].name")
        pair = port.get("port"), port.get("protocol", "TCP")
        if pair in seen:
            go = {"Name": "", "Protocol": pair[1], "AppProtocol": None, "Port": pair[0], "TargetPort": 0, "NodePort": 0}
            found.duplicate(f"spec.ports[{at}]", go)
        seen.add(pair)


_FIXED: dict[str, tuple[str, ...]] = {
    "Deployment": ("selector",), "ReplicaSet": ("selector",), "DaemonSet": ("selector",),
    "Job": ("selector", "template", "completionMode"),
}  # fmt: skip
_STATEFUL = {
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
}  # fmt: skip


def check_change(kind: Kind, old: Object, new: Object) -> None:
    """Raises the 422 for a change of what may not change."""
    found = Findings()
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for field in _FIXED.get(kind.name, ()):
        if before.get(field) != after.get(field):
            found.wrong(f"spec.{field}", after.get(field), "field is immutable")
    if kind.name == "StatefulSet":
        changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
        if changed - _STATEFUL:
            rule = (
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden"
            )
            found.forbidden("spec", rule)
    if kind.name == "Secret" and old.get("type") != new.get("type"):
        found.wrong("type", new.get("type"), "field is immutable")
    if kind.name in {"Secret", "ConfigMap"} and old.get("immutable"):
        rule = "field is immutable when `immutable` is set"
        for field in ("data", "binaryData"):
            if old.get(field) != new.get(field):
                found.forbidden(field, rule)
    if kind.name == "PersistentVolumeClaim":
        _claim(old, before, after, found)
    if kind.name == "Service" and before.get("clusterIP") not in {None, "", after.get("clusterIP")}:
        message = f'Invalid value: ["{after.get("clusterIP", "")}"]: may not change once set'
        found.append({"reason": "FieldValueInvalid", "message": message, "field": "spec.clusterIPs[0]"})
    if kind.name == "Pod":
        _pod_change(before, after, found)
    if found:
        raise invalid(kind, new["metadata"]["name"], found)


def _claim(old: Object, before: Object, after: Object, found: Findings) -> None:
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    bound = (old.get("status") or {}).get("phase") == "Bound"
    if changed - ({"resources", "volumeName", "volumeAttributesClassName"} if bound else {"volumeName"}):
        rule = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        found.forbidden("spec", rule)
    elif asked(after) < asked(before) and asked(after) <= quantity(old["status"]["capacity"]["storage"]):
        found.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def asked(spec: Object) -> Fraction:
    """How much storage a claim asks for."""
    return quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage", 0))


def _pod_change(before: Object, after: Object, found: Findings) -> None:
    def fixed(spec: Object) -> Object:
        containers = [{**one, "image": ""} for one in spec.get("containers") or []]
        skipped = {"containers", "initContainers", "tolerations", "nodeName", "activeDeadlineSeconds"}
        kept = {name: value for name, value in spec.items() if name not in skipped}
        return {**kept, "containers": containers}

    if fixed(before) != fixed(after):
        rule = (
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        )
        found.forbidden("spec", rule)
