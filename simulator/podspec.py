"""What the API server refuses in the specification of a pod, alone or in a workload's template."""

import re

from simulator.findings import LABEL, LABEL_RULE, Findings
from simulator.kinds import Object
from simulator.quota import quantity

_ENV = re.compile(r"[ -<>-~]+")
_ENV_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def check_pod(field: str, spec: Object, found: Findings, claims: frozenset[str] = frozenset()) -> None:
    """Collects what is wrong; `claims` are volumes that a stateful set's claim templates will add."""
    if not spec.get("containers"):
        found.required(f"{field}.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []} | claims
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for at, container in enumerate(spec.get(part) or []):
            where, name = f"{field}.{part}[{at}]", container.get("name", "")
            if not name:
                found.required(f"{where}.name")
            elif not LABEL.fullmatch(name) or len(name) > 63:
                found.wrong(f"{where}.name", name, LABEL_RULE)
            elif name in seen:
                found.duplicate(f"{where}.name", name)
            seen.add(name)
            if not container.get("image"):
                found.required(f"{where}.image")
            _ports(where, container, found)
            for place, env in enumerate(container.get("env") or []):
                if not _ENV.fullmatch(env.get("name") or ""):
                    found.wrong(f"{where}.env[{place}].name", env.get("name", ""), _ENV_RULE)
            _mounts(where, container, volumes, found)
            _resources(f"{where}.resources", container.get("resources") or {}, found)


def _ports(where: str, container: Object, found: Findings) -> None:
    for place, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort")
        if not isinstance(number, int) or not 0 < number < 65536:
            rule = "must be between 1 and 65535, inclusive"
            found.wrong(f"{where}.ports[{place}].containerPort", number, rule)


def _mounts(where: str, container: Object, volumes: set[str | None], found: Findings) -> None:
    paths: set[str] = set()
    for place, mount in enumerate(container.get("volumeMounts") or []):
        field, path = f"{where}.volumeMounts[{place}]", mount.get("mountPath", "")
        if mount.get("name") not in volumes:
            found.missing(f"{field}.name", mount.get("name", ""))
        if not path:
            found.required(f"{field}.mountPath")
        elif path in paths:
            found.wrong(f"{field}.mountPath", path, "must be unique")
        paths.add(path)


def _resources(field: str, resources: Object, found: Findings) -> None:
    limits = resources.get("limits") or {}
    for name, value in (resources.get("requests") or {}).items():
        if name in limits and quantity(value) > quantity(limits[name]):
            rule = f"must be less than or equal to {name} limit of {limits[name]}"
            found.wrong(f"{field}.requests", str(value), rule)
