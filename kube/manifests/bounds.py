"""How much an instance may take: what its services need at once, with room beside it, within what is allowed."""

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from math import ceil
from typing import Any

from catalogue.release import InstancePlan, Resources, ServicePlan, Workload

# What a container gets that names nothing itself, so that one leak cannot take its node: millicores and MiB.
DEFAULT_CPU = 20
DEFAULT_MEMORY = 64
DEFAULT_MEMORY_LIMIT = 1024

# Beside what the services need: half as much again, for pods that still end while others begin, and a few pods more.
_ROOM = 0.5
_SPARE_PODS = 5
_SPARE_CLAIMS = 2
_SPARE_STORAGE = 10

Object = dict[str, Any]
_AMOUNT = re.compile(r"(\d+)(m|Mi|Gi|)")
_UNITS = {"m": 1, "": 1000, "Mi": 1000 * 2**20, "Gi": 1000 * 2**30}


@dataclass(frozen=True, slots=True)
class Amount:
    """Numbers of pods and claims, CPU in millicores, memory in MiB, storage in GiB."""

    pods: int = 0
    claims: int = 0
    cpu: int = 0
    memory: int = 0
    memory_limit: int = 0
    storage: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    def within(self, most: "Amount") -> "Amount":
        """The smaller of each."""
        return Amount(*map(min, astuple(self), astuple(most)))


@dataclass(frozen=True, slots=True)
class Need:
    """What the services ask for while they are replaced, and the memory limit of the largest container, in MiB.

    everywhere: a daemon set runs on every node, and how many there are is the cluster's affair.
    """

    amount: Amount = Amount()
    largest: int = 0
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a container asks for with all defaults filled in: millicores and MiB."""

    cpu: int
    memory: int
    memory_limit: int


def asked(resources: Resources) -> Asked:
    """As Kubernetes would fill it in: a limit alone is a request too. The memory limit is never below the request."""
    cpu = next((one for one in (resources.request_cpu, resources.limit_cpu) if one is not None), DEFAULT_CPU)
    memory = next((one for one in (resources.request_memory, resources.limit_memory) if one is not None), None)
    limit = resources.limit_memory
    if limit is None:
        limit = DEFAULT_MEMORY_LIMIT if memory is None else max(2 * memory, DEFAULT_MEMORY_LIMIT)
    return Asked(cpu, DEFAULT_MEMORY if memory is None else memory, limit)


def surge(workload: Workload, held: bool) -> int:
    """How many pods there may be beyond the replicas. held: a volume that only one node may have is mounted."""
    if workload.kind != "deployment" or workload.strategy.kind != "rolling" or held:
        return 0
    share = workload.strategy.max_surge or "25%"
    return int(share) if share.isdigit() else ceil(workload.replicas * int(share.rstrip("%")) / 100)


def holds_volume(service: ServicePlan, workload: Workload) -> bool:
    """Whether its pods mount a volume that only one node may have."""
    single = {volume.name for volume in service.volumes if not volume.shared}
    return any(mount.volume in single for container in workload.containers for mount in container.mounts)


def need_of(service: ServicePlan) -> Need:
    """What one service needs."""
    volumes = [volume.size for volume in service.volumes if not volume.borrowed]
    total, largest = Amount(claims=len(volumes), storage=sum(volumes)), 0
    for workload in service.workloads:
        pods = workload.replicas + surge(workload, holds_volume(service, workload))
        for container in workload.containers:
            one = asked(container.resources)
            largest = max(largest, one.memory_limit)
            total += Amount(0, 0, pods * one.cpu, pods * one.memory, pods * one.memory_limit)
        total += Amount(pods=pods)
    return Need(total, largest, any(workload.kind == "daemonset" for workload in service.workloads))


def need(plan: InstancePlan, left: Iterable[Object] = ()) -> Need:
    """What all of its services need. left: claims that earlier deployments made and that are kept with their data."""
    each = [need_of(service) for service in plan.services]
    sizes = [int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) for claim in left]
    return Need(
        sum((one.amount for one in each), Amount(claims=len(sizes), storage=sum(sizes))),
        max((one.largest for one in each), default=0),
        any(one.everywhere for one in each),
    )


def excess(need: Need, most: Amount) -> list[str]:
    """What is asked for beyond what is allowed, as "600 pods (500 are allowed)"; empty where all is within it."""
    found = need.amount
    each = (
        (found.pods, most.pods, 1, "pods"),
        (found.claims, most.claims, 1, "volumes"),
        (found.cpu, most.cpu, 1000, "CPUs"),
        (found.memory_limit, most.memory_limit, 1024, "GiB of memory"),
        (found.storage, most.storage, 1, "GiB of storage"),
    )
    return [f"{one / unit:g} {what} ({two / unit:g} are allowed)" for one, two, unit, what in each if one > two]


def quota(need: Need, most: Amount) -> Object:
    """The specification of the namespace's quota; nothing but what stays inside the cluster may be opened."""
    found = need.amount
    spare = Amount(
        pods=ceil(found.pods * _ROOM) + _SPARE_PODS,
        claims=_SPARE_CLAIMS,
        cpu=ceil(found.cpu * _ROOM) + _SPARE_PODS * DEFAULT_CPU,
        memory=ceil(found.memory * _ROOM) + _SPARE_PODS * DEFAULT_MEMORY,
        memory_limit=ceil(found.memory_limit * _ROOM) + _SPARE_PODS * DEFAULT_MEMORY_LIMIT,
        storage=ceil(found.storage * _ROOM) + _SPARE_STORAGE,
    )
    room = (found + spare).within(most)
    if need.everywhere:
        room = Amount(most.pods, room.claims, most.cpu, most.memory, most.memory_limit, room.storage)
    return {
        "hard": {
            "pods": str(room.pods),
            "persistentvolumeclaims": str(room.claims),
            "requests.cpu": _written(room.cpu, "m", "", 1000),
            "requests.memory": _written(room.memory, "Mi", "Gi", 1024),
            "limits.memory": _written(room.memory_limit, "Mi", "Gi", 1024),
            "requests.storage": f"{room.storage}Gi",
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        }
    }


def limits(need: Need) -> Object:
    """The specification of the namespace's limits: for containers that are not Berth's own, and for their size."""
    largest = max(need.largest, DEFAULT_MEMORY_LIMIT)
    return {
        "limits": [
            {
                "type": "Container",
                "defaultRequest": {"cpu": f"{DEFAULT_CPU}m", "memory": f"{DEFAULT_MEMORY}Mi"},
                "default": {"memory": _written(DEFAULT_MEMORY_LIMIT, "Mi", "Gi", 1024)},
                "max": {"memory": _written(largest, "Mi", "Gi", 1024)},
            }
        ]
    }


def widened(wanted: Sequence[Object], before: Iterable[Object]) -> list[Object]:
    """The objects that are wanted, in which every amount is at least what it was in those before."""
    earlier = {(made["kind"], made["metadata"]["name"]): made for made in before}
    made = [copy.deepcopy(manifest) for manifest in wanted]
    for manifest in made:
        old = earlier.get((manifest["kind"], manifest["metadata"]["name"]))
        if old is not None and manifest["kind"] == "ResourceQuota":
            _raise(manifest["spec"]["hard"], old["spec"]["hard"])
        if old is not None and manifest["kind"] == "LimitRange":
            _raise(manifest["spec"]["limits"][0]["max"], old["spec"]["limits"][0].get("max", {}))
    return made


def _raise(amounts: dict[str, str], before: dict[str, str]) -> None:
    for name, amount in before.items():
        if name in amounts and _number(amount) > _number(amounts[name]):
            amounts[name] = amount


def _number(amount: str) -> int:
    found = _AMOUNT.fullmatch(amount)
    assert found is not None
    return int(found[1]) * _UNITS[found[2]]


def _written(number: int, small: str, large: str, many: int) -> str:
    """A quantity as the server writes it itself."""
    return f"{number // many}{large}" if number % many == 0 else f"{number}{small}"
