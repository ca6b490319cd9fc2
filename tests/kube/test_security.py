"""What pods may do: nothing that needs root where each container names its user, and little more elsewhere."""

from dataclasses import replace
from typing import Any

from catalogue.release import ServicePlan
from kube.manifests import level_of, namespace, running
from kube.manifests.pods import CAPABILITIES
from simulator.security import violations
from tests.kube.plans import container, identity, plan, talk, web, with_volume

STEP_DOWN = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": list(CAPABILITIES)}}


def pod_of(service: ServicePlan) -> dict[str, Any]:
    spec: dict[str, Any] = running(identity(), service)[-1]["spec"]["template"]["spec"]
    return spec


def test_a_container_that_names_its_user_gets_no_privilege() -> None:
    security = pod_of(web(user=101, group=102))["containers"][0]["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 101,
        "runAsGroup": 102,
    }
    assert "runAsGroup" not in pod_of(web(user=101))["containers"][0]["securityContext"]


def test_a_container_that_may_start_as_root_keeps_what_it_needs_to_give_root_up() -> None:
    assert pod_of(web())["containers"][0]["securityContext"] == STEP_DOWN
    assert pod_of(web())["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_each_container_of_a_pod_gets_its_own() -> None:
    one = web(user=101)
    both = replace(one.workloads[0], containers=(*one.workloads[0].containers, container("side")))
    found = {made["name"]: made["securityContext"] for made in pod_of(replace(one, workloads=(both,)))["containers"]}
    assert found["web"]["runAsUser"] == 101
    assert found["side"] == STEP_DOWN


def test_volumes_are_made_writable_for_the_user_that_mounts_them() -> None:
    profile = {"seccompProfile": {"type": "RuntimeDefault"}}
    group = {"fsGroup": 102, "fsGroupChangePolicy": "OnRootMismatch"}
    assert pod_of(with_volume(talk(user=101, group=102)))["securityContext"] == profile | group
    assert pod_of(with_volume(talk(user=102)))["securityContext"] == profile | group
    assert pod_of(with_volume(talk()))["securityContext"] == profile
    assert pod_of(talk(user=101))["securityContext"] == profile


def test_the_level_is_the_strictest_that_every_service_allows() -> None:
    rootless, rooted = plan(web(user=101), talk(user=101)), plan(web(user=101), talk())
    assert (rootless.rooted, level_of(rootless)) == ((), "restricted")
    assert (rooted.rooted, level_of(rooted)) == (("talk",), "baseline")
    outside = plan(web(user=101), replace(talk(), external=True, workloads=()))
    assert level_of(outside) == "restricted"


def test_pods_satisfy_the_level_that_their_namespace_enforces() -> None:
    for service in (web(user=101), with_volume(talk(user=101)), web(), with_volume(talk())):
        level = level_of(plan(service))
        assert violations(namespace(identity(), level), pod_of(service)) == ""
    assert "runAsNonRoot != true" in violations(namespace(identity(), "restricted"), pod_of(web()))
