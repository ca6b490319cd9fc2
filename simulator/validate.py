"""What the API server refuses in a document: names, required fields, what may not change.

Rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and the validation of each kind.
"""

import re
from typing import Any

import orjson

from simulator.errors import bad_request, invalid
from simulator.kinds import Kind, Object
from simulator.selectors import matches

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_RFC1123_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_RFC1123_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_RFC1035_LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LABEL_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


class _Findings(list[Object]):
    """Causes, collected field by field."""

    def wrong(self, field: str, value: Any, rule: str) -> None:
        shown = orjson.dumps(value).decode()
        self.append({"reason": "FieldValueInvalid", "message": f"Invalid value: {shown}: {rule}", "field": field})

    def required(self, field: str, rule: str = "") -> None:
        message = f"Required value: {rule}" if rule else "Required value"
        self.append({"reason": "FieldValueRequired", "message": message, "field": field})


def check(kind: Kind, obj: Object) -> None:
    """Raises the 422 (or the 400 for a document of another shape) that the API server would answer."""
    found = _Findings()
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
            _pod("spec", spec or {}, found)
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet":
            _workload(spec or {}, found)
        case "Job":
            _pod("spec.template.spec", ((spec or {}).get("template") or {}).get("spec") or {}, found)
            policy = ((spec or {}).get("template") or {}).get("spec", {}).get("restartPolicy")
            if policy not in {"Never", "OnFailure"}:
                field, rule = "spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'
                if policy:
                    message = f'Unsupported value: "{policy}": {rule.replace("valid", "supported")}'
                    found.append({"reason": "FieldValueNotSupported", "message": message, "field": field})
                else:
                    found.required(field, rule)
        case "Service":
            _service(spec or {}, found)
        case "PersistentVolumeClaim":
            if not (spec or {}).get("accessModes"):
                found.required("spec.accessModes", "at least 1 access mode is required")
            if "storage" not in (((spec or {}).get("resources") or {}).get("requests") or {}):
                found.required("spec.resources[storage]")
        case "ConfigMap" | "Secret":
            for key in obj.get("data") or {}:
                if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
                    found.wrong(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, "
                                "'-', '_' or '.'")  # fmt: skip
    if found:
        raise invalid(kind, name, found)


def _name(kind: Kind, name: str, found: _Findings) -> None:
    if not name:
        found.required("metadata.name", "name or generateName is required")
    elif kind.name == "Namespace":
        if len(name) > 63:
            found.wrong("metadata.name", name, "must be no more than 63 characters")
        elif not _LABEL.fullmatch(name):
            found.wrong("metadata.name", name, _RFC1123_LABEL)
    elif kind.name == "Service":
        if len(name) > 63:
            found.wrong("metadata.name", name, "must be no more than 63 characters")
        elif not _SERVICE.fullmatch(name):
            found.wrong("metadata.name", name, _RFC1035_LABEL)
    elif len(name) > 253:
        found.wrong("metadata.name", name, "must be no more than 253 characters")
    elif kind.group != "rbac.authorization.k8s.io" and not _SUBDOMAIN.fullmatch(name):
        found.wrong("metadata.name", name, _RFC1123_SUBDOMAIN)


def _labels(field: str, labels: dict[str, Any], found: _Findings) -> None:
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key):
            found.wrong(field, key, _LABEL_KEY_RULE)
        if len(str(value)) > 63:
            found.wrong(field, value, "must be no more than 63 characters")
        elif not _LABEL_VALUE.fullmatch(str(value)):
            found.wrong(field, value, _LABEL_VALUE_RULE)


def _workload(spec: Object, found: _Findings) -> None:
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
    _pod("spec.template.spec", template.get("spec") or {}, found)


def _pod(field: str, spec: Object, found: _Findings) -> None:
    if not spec.get("containers"):
        found.required(f"{field}.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for at, container in enumerate(spec.get(part) or []):
            where, name = f"{field}.{part}[{at}]", container.get("name", "")
            if not name:
                found.required(f"{where}.name")
            elif not _LABEL.fullmatch(name) or len(name) > 63:
                found.wrong(f"{where}.name", name, _RFC1123_LABEL)
            elif name in seen:
                message = f'Duplicate value: "{name}"'
                found.append({"reason": "FieldValueDuplicate", "message": message, "field": f"{where}.name"})
            seen.add(name)
            if not container.get("image"):
                found.required(f"{where}.image")
            for place, mount in enumerate(container.get("volumeMounts") or []):
                if mount.get("name") not in volumes and field == "spec.template.spec":
                    continue  # a stateful set's claim templates name volumes too; the pod itself is checked again
                if mount.get("name") not in volumes:
                    message = f'Not found: "{mount.get("name", "")}"'
                    at_field = f"{where}.volumeMounts[{place}].name"
                    found.append({"reason": "FieldValueNotFound", "message": message, "field": at_field})


def _service(spec: Object, found: _Findings) -> None:
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        found.required("spec.ports")
    for at, port in enumerate(spec.get("ports") or []):
        if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
            found.wrong(f"spec.ports[{at}].port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if len(spec["ports"]) > 1 and not port.get("name"):
            found.required(f"spec.ports[{at}].name")


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
    found = _Findings()
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
            found.append({"reason": "FieldValueForbidden", "message": f"Forbidden: {rule}", "field": "spec"})
    if kind.name == "Secret" and old.get("type") != new.get("type"):
        found.wrong("type", new.get("type"), "field is immutable")
    if kind.name in {"Secret", "ConfigMap"} and old.get("immutable"):
        rule = "Forbidden: field is immutable when `immutable` is set"
        for field in ("data", "binaryData"):
            if old.get(field) != new.get(field):
                found.append({"reason": "FieldValueForbidden", "message": rule, "field": field})
    if kind.name == "PersistentVolumeClaim":
        _claim(before, after, found)
    if kind.name == "Service" and before.get("clusterIP") not in {None, "", after.get("clusterIP")}:
        message = f'Invalid value: ["{after.get("clusterIP", "")}"]: may not change once set'
        found.append({"reason": "FieldValueInvalid", "message": message, "field": "spec.clusterIPs[0]"})
    if kind.name == "Pod":
        _pod_change(before, after, found)
    if found:
        raise invalid(kind, new["metadata"]["name"], found)


def _claim(before: Object, after: Object, found: _Findings) -> None:
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    if changed - {"resources", "volumeName", "volumeAttributesClassName"}:
        rule = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        found.append({"reason": "FieldValueForbidden", "message": f"Forbidden: {rule}", "field": "spec"})


def _pod_change(before: Object, after: Object, found: _Findings) -> None:
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
        found.append({"reason": "FieldValueForbidden", "message": f"Forbidden: {rule}", "field": "spec"})
