"""Objects made from a plan: exact where it matters, within Kubernetes' limits for any name."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalogue.release import Endpoint, Mount, Port, Resources, Strategy
from kube.labels import TEMPLATE, label_value, object_name
from kube.manifests import Need, foundation, holdings, mask, namespace, objects, running
from kube.manifests.foundation import PUBLIC
from tests.kube.plans import identity, plan, talk, web, with_volume

NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)

ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}


def found(manifests: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    matching = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    assert len(matching) == 1
    return matching[0]


def test_the_namespace_says_whose_it_is_and_enforces_pod_security() -> None:
    body = namespace(identity())
    assert body["metadata"]["name"] == "shop-dev"
    assert body["metadata"]["annotations"] == {
        "berth.dev/installation": "installation-1",
        "berth.dev/instance": "instance-1",
        "berth.dev/organization": "org-1",
    }
    assert body["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "berth",
        "app.kubernetes.io/name": "shop",
        "app.kubernetes.io/instance": "dev",
        "app.kubernetes.io/part-of": "shop",
        "berth.dev/app": "app-1",
        "berth.dev/instance": "instance-1",
        "berth.dev/task": "task-1",
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
    }


def test_the_foundation_denies_what_is_not_spelled_out() -> None:
    made = foundation(identity(), Need())
    assert [(m["kind"], m["metadata"]["name"]) for m in made] == [
        ("ResourceQuota", "berth"),
        ("LimitRange", "berth"),
        ("NetworkPolicy", "berth-default-deny"),
        ("NetworkPolicy", "berth-same-namespace"),
        ("NetworkPolicy", "berth-ingress"),
        ("ServiceAccount", "berth-app"),
    ]
    assert found(made, "NetworkPolicy", "berth-default-deny")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert found(made, "NetworkPolicy", "berth-ingress")["spec"]["podSelector"] == {"matchLabels": {PUBLIC: "true"}}
    assert found(made, "ServiceAccount")["automountServiceAccountToken"] is False


def test_secret_and_plain_variables_are_kept_apart() -> None:
    made = holdings(identity(), web())
    assert [(m["kind"], m["metadata"]["name"]) for m in made] == [
        ("Secret", "web.web.env"),
        ("ConfigMap", "web.app"),
        ("ConfigMap", "web.web.env"),
    ]
    assert made[0]["data"] == {"PASSWORD": "aHVudGVyMg=="}
    assert made[1]["data"] == {"app.conf": "hello\n"}
    assert made[2]["data"] == {"MODE": "fast"}
    assert "hunter2" not in str(running(identity(), web()))


def test_masking_hides_every_secret_value_and_changes_no_original() -> None:
    made = holdings(identity(), web())
    assert mask(made)[0]["data"] == {"PASSWORD": "********"}
    assert mask(made)[1:] == made[1:]
    assert made[0]["data"] == {"PASSWORD": "aHVudGVyMg=="}


def test_a_deployment_has_probes_limits_and_no_privileges() -> None:
    deployment = found(running(identity(), web()), "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    container = spec["containers"][0]
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["strategy"] == ROLLING
    assert container["ports"] == [{"name": "h-8080", "containerPort": 8080, "protocol": "TCP"}]
    assert container["readinessProbe"]["tcpSocket"] == {"port": 8080}
    assert container["resources"] == {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert container["envFrom"] == [{"configMapRef": {"name": "web.web.env"}}, {"secretRef": {"name": "web.web.env"}}]
    assert container["volumeMounts"] == [
        {"name": "config-0", "mountPath": "/etc/app.conf", "subPath": "app.conf", "readOnly": True}
    ]
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["automountServiceAccountToken"] is False
    assert spec["terminationGracePeriodSeconds"] == 1
    assert deployment["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "berth",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/name": "nginx",
        "app.kubernetes.io/instance": "dev",
        "app.kubernetes.io/component": "web",
        "app.kubernetes.io/version": "1.27",
        "berth.dev/app": "app-1",
        "berth.dev/instance": "instance-1",
        "berth.dev/service": "web",
        "berth.dev/workload": "web",
        "berth.dev/revision": "rev-1",
        "berth.dev/task": "task-1",
    }


def template(service: Any, **changes: Any) -> dict[str, Any]:
    made = [m for m in running(identity(**changes), service) if "template" in m.get("spec", {})]
    result: dict[str, Any] = made[0]["spec"]["template"]
    return result


def test_another_task_or_revision_restarts_no_pod_but_a_changed_secret_does() -> None:
    before = template(web())
    assert template(replace(web(), revision="rev-9"), task="task-9") == before
    changed = web(env=(replace(web().workloads[0].containers[0].env[0], value="slow"),))
    assert template(changed)["metadata"]["annotations"][TEMPLATE] != before["metadata"]["annotations"][TEMPLATE]


def test_any_change_of_the_template_changes_its_digest() -> None:
    digests = {
        template(service)["metadata"]["annotations"][TEMPLATE]
        for service in (web(), web(image="other:1"), web(args=("x",)), web(resources=Resources(30)))
    }
    assert len(digests) == 4


def test_a_volume_of_one_node_is_never_rolled_over_and_is_kept_apart() -> None:
    service = with_volume(web())
    assert found(holdings(identity(), service), "PersistentVolumeClaim")["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}},
    }
    deployment = found(running(identity(), service), "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["template"]["spec"]["volumes"][0] == {
        "name": "volume-data",
        "persistentVolumeClaim": {"claimName": "web-data"},
    }
    shared = found(running(identity(), with_volume(web(), shared=True)), "Deployment")
    assert shared["spec"]["strategy"] == ROLLING


def test_a_borrowed_volume_is_mounted_but_its_claim_is_not_made_again() -> None:
    kinds = [m["kind"] for m in holdings(identity(), with_volume(talk(), borrowed=True))]
    assert kinds == []


def test_a_stateful_set_has_a_headless_service_of_its_own() -> None:
    made = running(identity(), talk())
    peers = found(made, "Service", "talk-peers")
    assert peers["spec"] == {
        "selector": {"berth.dev/workload": "talk", "app.kubernetes.io/instance": "dev"},
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
    }
    assert found(made, "StatefulSet")["spec"]["serviceName"] == "talk-peers"
    assert "readinessProbe" not in found(made, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]


def test_the_headless_service_of_a_long_name_is_within_the_rule() -> None:
    long = "a" * 63
    service = replace(talk(), workloads=(replace(talk().workloads[0], object_name=long),))
    name = found(running(identity(), service), "StatefulSet")["spec"]["serviceName"]
    assert len(name) == 63
    assert name.endswith("-peers")


def test_endpoints_of_one_host_share_one_service() -> None:
    more = Endpoint(
        "admin", "web", "web", False, (Port("admin", 9000, "tcp", private=True), Port("http", 8080, "http"))
    )
    service = replace(web(), endpoints=(*web().endpoints, more))
    made = found(running(identity(), service), "Service", "web")
    assert made["spec"]["ports"] == [
        {"name": "h-8080", "port": 8080, "targetPort": 8080, "protocol": "TCP", "appProtocol": "http"},
        {"name": "t-9000", "port": 9000, "targetPort": 9000, "protocol": "TCP"},
    ]


def test_replicas_are_spread_and_protected_only_where_there_are_several() -> None:
    assert [m["kind"] for m in running(identity(), web())] == ["Service", "PodDisruptionBudget", "Deployment"]
    assert [m["kind"] for m in running(identity(), web(replicas=1))] == ["Service", "Deployment"]
    assert "topologySpreadConstraints" in template(web())["spec"]
    assert "topologySpreadConstraints" not in template(web(replicas=1))["spec"]


def test_a_disruption_budget_lets_pods_go_that_never_got_ready() -> None:
    assert found(running(identity(), web()), "PodDisruptionBudget")["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"berth.dev/workload": "web", "app.kubernetes.io/instance": "dev"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_volumes_with_long_names_stay_apart() -> None:
    one, two = "a" * 60 + "-1", "a" * 60 + "-2"
    base = with_volume(web())
    volumes = tuple(replace(base.volumes[0], name=name, claim=f"claim-{name[-1]}") for name in (one, two))
    mounts = (Mount(one, "/one"), Mount(two, "/two"))
    container = replace(base.workloads[0].containers[0], mounts=mounts)
    workload = replace(base.workloads[0], containers=(container,))
    spec = template(replace(base, volumes=volumes, workloads=(workload,)))["spec"]
    names = [volume["name"] for volume in spec["volumes"][:2]]
    assert [mount["name"] for mount in spec["containers"][0]["volumeMounts"][:2]] == names
    assert len(set(names)) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_request_above_the_default_limit_gets_a_limit_that_fits() -> None:
    resources = template(web(resources=Resources(request_memory=2048)))["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "20m", "memory": "2048Mi"}, "limits": {"memory": "4096Mi"}}


def test_external_services_and_charts_have_no_objects() -> None:
    outside = plan(replace(web(), external=True, workloads=()), replace(talk(), helm=True, workloads=()))
    assert objects(identity(), outside) == foundation(identity(), Need())


def test_strategies_are_said_in_the_words_of_each_kind() -> None:
    def strategy(service: Any, **changes: Any) -> Any:
        workload = replace(service.workloads[0], strategy=Strategy(**changes))
        spec = running(identity(), replace(service, workloads=(workload,)))[-1]["spec"]
        return spec.get("strategy") or spec.get("updateStrategy")

    assert strategy(web(), max_unavailable="25%", max_surge="1") == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1},
    }
    assert strategy(web(), kind="recreate") == {"type": "Recreate"}
    assert strategy(talk(), kind="onDelete") == {"type": "OnDelete"}
    assert strategy(talk(), max_unavailable="1") == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


@given(st.text(max_size=300))
def test_every_label_value_is_one_that_kubernetes_takes(value: str) -> None:
    made = label_value(value)
    assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", made)
    assert (made == "") == (value == "")


@given(NAME, NAME, NAME, NAME)
def test_different_parts_never_make_the_same_object_name(a: str, b: str, c: str, d: str) -> None:
    assert (object_name(a, b) == object_name(c, d)) == ((a, b) == (c, d))
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", object_name(a, b))


@given(st.text(min_size=1, max_size=200))
def test_any_text_makes_an_object_name_that_kubernetes_takes(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", object_name("web", text))
