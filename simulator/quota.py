"""Resource quotas and limit ranges: what is counted, what is filled in, what is refused."""

import re
from fractions import Fraction
from typing import Any

from simulator.errors import forbidden
from simulator.kinds import LIMITS, PODS, QUOTAS, STORED, Kind, Object
from simulator.store import Store

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[a-zA-Z]*)")
_SUFFIX = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40), "Pi": Fraction(2**50),
}  # fmt: skip
_BY_RESOURCE = {kind.resource: kind for kind in STORED}


def quantity(text: Any) -> Fraction:
    """The number that a Kubernetes quantity (`500m`, `1Gi`) stands for. Raises ValueError."""
    found = _QUANTITY.fullmatch(str(text))
    if not found:
        raise ValueError(f"quantities must match the regular expression {_QUANTITY.pattern!r}: {text!r}")
    number, unit = found.groups()
    if unit[:1] not in {"e", "E"} and unit not in _SUFFIX:
        raise ValueError(f"unable to parse quantity's suffix: {text!r}")
    return Fraction(number + unit) if unit[:1] in {"e", "E"} and unit[1:] else Fraction(number) * _SUFFIX[unit]


def shown(value: Fraction, like: str) -> str:
    """A number written as quantities are: memory and storage in the largest binary unit that fits, cpu in millis."""
    if "memory" in like or "storage" in like:
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if value and value % _SUFFIX[unit] == 0:
                return f"{value // _SUFFIX[unit]}{unit}"
    if value.denominator != 1:
        return f"{-(-value * 1000 // 1)}m"
    return str(value.numerator)


def fill_limits(store: Store, namespace: str, obj: Object) -> None:
    """Sets the default requests and limits of the namespace's LimitRanges in a new pod's containers."""
    for limits in store.objects(LIMITS, namespace):
        for rule in limits["spec"].get("limits") or []:
            if rule.get("type") != "Container":
                continue
            for container in [*obj["spec"].get("containers", []), *obj["spec"].get("initContainers", [])]:
                resources = container.setdefault("resources", {})
                default = rule.get("default") or {}
                requests = rule.get("defaultRequest") or default
                own = resources.get("limits") or {}
                if default:
                    resources["limits"] = {**default, **own}
                if requests or own:
                    resources["requests"] = {**requests, **own, **(resources.get("requests") or {})}


def charge(kind: Kind, obj: Object) -> dict[str, Fraction]:
    """What one object counts against a quota."""
    found = {f"count/{kind.resource}": Fraction(1), kind.plural: Fraction(1)}
    spec = obj.get("spec") or {}
    if kind is PODS:
        if (obj.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
            return {f"count/{kind.resource}": Fraction(1)}
        for container in spec.get("containers") or []:
            resources = container.get("resources") or {}
            for part in ("requests", "limits"):
                for name, value in (resources.get(part) or {}).items():
                    full = f"{part}.{name}"
                    found[full] = found.get(full, Fraction(0)) + quantity(value)
                    if part == "requests":
                        found[name] = found.get(name, Fraction(0)) + quantity(value)
    if kind.name == "PersistentVolumeClaim":
        found["requests.storage"] = quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage", 0))
    if kind.name == "Service" and spec.get("type") in {"LoadBalancer", "NodePort"}:
        found["services.loadbalancers" if spec["type"] == "LoadBalancer" else "services.nodeports"] = Fraction(1)
    return found


def used(store: Store, namespace: str, names: set[str]) -> dict[str, Fraction]:
    """What the namespace uses of the named resources now."""
    total = dict.fromkeys(names, Fraction(0))
    for kind in STORED:
        if kind.namespaced:
            for obj in store.objects(kind, namespace):
                for name, value in charge(kind, obj).items():
                    if name in total:
                        total[name] += value
    return total


def admit(store: Store, kind: Kind, namespace: str, obj: Object) -> None:
    """Raises the 403 that says which quota a new object would exceed, or what a pod must specify."""
    name = obj["metadata"]["name"]
    for limit in store.objects(QUOTAS, namespace) if kind.namespaced else ():
        hard = {one: quantity(value) for one, value in (limit["spec"].get("hard") or {}).items()}
        cost = charge(kind, obj)
        called = limit["metadata"]["name"]
        if kind is PODS:
            asked = [one for one in hard if one.rpartition(".")[2] in {"cpu", "memory"} and one not in cost]
            if asked:
                missing = ",".join(sorted(f"{one}" for one in asked))
                containers = ",".join(one["name"] for one in obj["spec"]["containers"])
                why = f"failed quota: {called}: must specify {missing} for: {containers}"
                raise forbidden(kind, name, why)
        touched = {one for one in hard if one in cost}
        if not touched:
            continue
        now = used(store, namespace, touched)
        over = sorted(one for one in touched if now[one] + cost[one] > hard[one])
        if over:
            parts = [",".join(f"{one}={shown(values[one], one)}" for one in over) for values in (cost, now, hard)]
            why = f"exceeded quota: {called}, requested: {parts[0]}, used: {parts[1]}, limited: {parts[2]}"
            raise forbidden(kind, name, why)
