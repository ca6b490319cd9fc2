"""Quota and limits from what runs: enough for it and for its replacement, within what the operator allows."""

from dataclasses import replace
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.release import Resources, ServicePlan, Strategy
from kube.manifests import Need, excess, foundation, holdings, need, objects, widened
from kube.manifests.bounds import Amount, asked, limits, quota, surge
from simulator.quota import quantity
from tests.kube.plans import container, identity, plan, talk, web, with_volume

MOST = Amount(500, 100, 128_000, 512 * 1024, 512 * 1024, 4096)


@pytest.mark.parametrize(
    ("resources", "cpu", "memory", "limit"),
    [
        (Resources(), 20, 64, 1024),
        (Resources(100, 32, None, 64), 100, 32, 64),
        (Resources(request_memory=2048), 20, 2048, 4096),
        (Resources(request_memory=100), 20, 100, 1024),
        (Resources(limit_memory=32), 20, 32, 32),
        (Resources(limit_cpu=500), 500, 64, 1024),
    ],
)
def test_what_a_container_does_not_say_is_filled_in(resources: Resources, cpu: int, memory: int, limit: int) -> None:
    found = asked(resources)
    assert (found.cpu, found.memory, found.memory_limit) == (cpu, memory, limit)


@pytest.mark.parametrize(
    ("service", "more"),
    [
        (web(1), 1),
        (web(3), 1),
        (web(9), 3),
        (talk(3), 0),
        (with_volume(web(3)), 0),
        (with_volume(web(3), shared=True), 1),
    ],
    ids=["one", "a quarter", "a quarter rounded up", "stateful set", "recreated for its volume", "shared volume"],
)
def test_a_rolling_update_has_more_pods_for_a_while(service: ServicePlan, more: int) -> None:
    replicas = service.workloads[0].replicas
    assert need(plan(service)).amount.pods == replicas + more


def test_a_surge_is_a_number_or_a_share() -> None:
    def of(**strategy: Any) -> int:
        return surge(replace(web(10).workloads[0], strategy=Strategy(**strategy)), False)

    assert [of(max_surge="4"), of(max_surge="0"), of(max_surge="15%"), of(kind="recreate")] == [4, 0, 2, 0]


def test_what_an_instance_needs_is_the_sum_over_its_services() -> None:
    found = need(plan(with_volume(web(3, resources=Resources(100, 128, None, 256)), shared=True), talk(2)))
    assert found == Need(Amount(4 + 2, 1, 4 * 100 + 2 * 20, 4 * 128 + 2 * 32, 4 * 256 + 2 * 64, 2), 256, False)


def test_claims_that_earlier_deployments_left_need_room_too() -> None:
    [left] = holdings(identity(), with_volume(talk(), size=30))
    found = need(plan(web(1)), [left])
    assert (found.amount.claims, found.amount.storage) == (1, 30)


def test_the_quota_leaves_room_beside_what_is_needed() -> None:
    found = need(plan(with_volume(talk(2, resources=Resources(500, 1024, None, 2048)))))
    assert quota(found, MOST)["hard"] == {
        "pods": "8",
        "persistentvolumeclaims": "3",
        "requests.cpu": "1600m",
        "requests.memory": "3392Mi",
        "limits.memory": "11Gi",
        "requests.storage": "13Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_the_quota_is_never_more_than_is_allowed() -> None:
    small = Amount(3, 1, 100, 100, 1024, 2)
    hard = quota(need(plan(with_volume(web(3)))), small)["hard"]
    assert (hard["pods"], hard["requests.cpu"], hard["requests.memory"]) == ("3", "100m", "100Mi")
    assert (hard["limits.memory"], hard["persistentvolumeclaims"], hard["requests.storage"]) == ("1Gi", "1", "2Gi")


def test_a_daemon_set_may_have_as_many_pods_as_there_may_be() -> None:
    everywhere = replace(talk(), workloads=(replace(talk().workloads[0], kind="daemonset"),))
    hard = quota(need(plan(everywhere)), MOST)["hard"]
    assert (hard["pods"], hard["requests.cpu"], hard["limits.memory"]) == ("500", "128", "512Gi")


def test_limits_are_those_of_the_largest_container() -> None:
    [largest] = limits(need(plan(web(resources=Resources(limit_memory=3000)))))["limits"]
    assert largest == {
        "type": "Container",
        "defaultRequest": {"cpu": "20m", "memory": "64Mi"},
        "default": {"memory": "1Gi"},
        "max": {"memory": "3000Mi"},
    }
    assert limits(need(plan(web())))["limits"][0]["max"] == {"memory": "1Gi"}


def test_what_is_beyond_the_bounds_is_said_in_numbers() -> None:
    wanted = need(plan(with_volume(talk(501, resources=Resources(1000, 64, None, 2048)), size=5000)))
    assert excess(wanted, MOST) == [
        "501 pods (500 are allowed)",
        "501 CPUs (128 are allowed)",
        "1002 GiB of memory (512 are allowed)",
        "5000 GiB of storage (4096 are allowed)",
    ]
    assert excess(need(plan()), MOST) == []


def test_bounds_are_widened_by_what_they_were_and_by_nothing_else() -> None:
    large = foundation(identity(), need(plan(web(9, resources=Resources(limit_memory=3000)))))
    small = foundation(identity(task="task-2"), need(plan(with_volume(web(1)))))
    found = widened(small, large)
    assert found[0]["spec"]["hard"] == large[0]["spec"]["hard"] | {
        "persistentvolumeclaims": "3",
        "requests.storage": "13Gi",
    }
    assert found[1]["spec"]["limits"][0]["max"] == {"memory": "3000Mi"}
    assert found[2:] == small[2:]
    assert [made["metadata"] for made in found] == [made["metadata"] for made in small]
    assert small == foundation(identity(task="task-2"), need(plan(with_volume(web(1)))))
    assert widened(small, []) == small


AMOUNTS = st.none() | st.integers(1, 4000)


@st.composite
def services(draw: st.DrawFn) -> ServicePlan:
    request, limit = draw(AMOUNTS), draw(AMOUNTS)
    if request is not None and limit is not None:
        request, limit = min(request, limit), max(request, limit)
    resources = Resources(draw(AMOUNTS), request, None, limit)
    base = draw(st.sampled_from([web, talk]))(draw(st.integers(0, 40)), resources=resources)
    extra = tuple(container(f"side-{at}") for at in range(draw(st.integers(0, 2))))
    workload = replace(
        base.workloads[0],
        containers=(*base.workloads[0].containers, *extra),
        strategy=Strategy(max_surge=draw(st.sampled_from([None, "0", "3", "40%", "100%"]))),
    )
    base = replace(base, workloads=(workload,))
    return with_volume(base, size=draw(st.integers(1, 100))) if draw(st.booleans()) else base


@given(st.lists(services(), max_size=3))
def test_every_plan_fits_its_own_quota_also_while_it_is_replaced(found: list[ServicePlan]) -> None:
    """Counted over the objects themselves, as the server does."""
    made = objects(identity(), plan(*found)) if found else foundation(identity(), Need())
    hard = {name: quantity(value) for name, value in made[0]["spec"]["hard"].items()}
    largest = quantity(made[1]["spec"]["limits"][0]["max"]["memory"])
    used = dict.fromkeys(hard, quantity(0))
    for manifest in made:
        if manifest["kind"] == "PersistentVolumeClaim":
            used["persistentvolumeclaims"] += 1
            used["requests.storage"] += quantity(manifest["spec"]["resources"]["requests"]["storage"])
        if "template" not in manifest.get("spec", {}):
            continue
        spec = manifest["spec"]
        share = spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)
        more = share if isinstance(share, int) else ceil(spec["replicas"] * int(share.rstrip("%")) / 100)
        pods = spec["replicas"] + more
        used["pods"] += pods
        for one in spec["template"]["spec"]["containers"]:
            for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                amount = quantity(one["resources"][part][name])
                used[f"{part}.{name}"] += pods * amount
                assert name == "cpu" or amount <= largest
    most = {"pods": 500, "requests.cpu": 128, "limits.memory": 512 * 2**30, "requests.memory": 512 * 2**30}
    assert all(used[name] <= hard[name] or hard[name] == most.get(name) for name in hard)
