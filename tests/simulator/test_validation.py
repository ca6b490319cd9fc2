"""Documents that a real API server refuses, with its own words; each leaves nothing behind."""

from typing import Any

import pytest

from tests.simulator.client import CONFIG_MAPS, DEPLOYMENTS, PODS, Client, config_map, pod, pod_spec, workload

SHOP = "/api/v1/namespaces/shop"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"
JOBS = "/apis/batch/v1/namespaces/shop/jobs"


def named(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": spec}


def asking(**resources: dict[str, str]) -> dict[str, Any]:
    return pod(**pod_spec(resources=resources))


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        (PODS, pod(**pod_spec(ports=[{"containerPort": 70000}])), 422,
         'Pod "web" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and '
         "65535, inclusive"),
        (PODS, pod(**pod_spec(env=[{"name": "1 =", "value": "x"}])), 422,
         'Pod "web" is invalid: spec.containers[0].env[0].name: Invalid value: "1 =": a valid environment variable '
         "name must consist only of printable ASCII characters other than '='"),
        (PODS, asking(limits={"cpu": "1"}, requests={"cpu": "2"}), 422,
         'Pod "web" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal '
         "to cpu limit of 1"),
        (PODS, asking(limits={"cpu": "lots"}), 400,
         'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        (PODS, {"kind": "Secret", "metadata": {"name": "web"}}, 400,
         'Secret in version "v1" cannot be handled as a Pod'),
        (f"{SHOP}/secrets", {"metadata": {"name": "web"}, "data": {"a": "***"}}, 400,
         'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'),
        (f"{SHOP}/services", named(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80}]), 422,
         'Service "web" is invalid: spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,'
         '"Port":80,"TargetPort":0,"NodePort":0}'),
        (f"{SHOP}/services", named(), 422, 'Service "web" is invalid: spec.ports: Required value'),
        (f"{SHOP}/persistentvolumeclaims", named(), 422,
         'PersistentVolumeClaim "web" is invalid: [spec.accessModes: Required value: at least 1 access mode is required'
         ", spec.resources[storage]: Required value]"),
        (POLICIES, named(podSelector={}, policyTypes=["Foo"]), 422,
         'NetworkPolicy.networking.k8s.io "web" is invalid: spec.policyTypes[0]: Unsupported value: "Foo": supported '
         'values: "Ingress", "Egress"'),
        (INGRESSES, named(), 422,
         'Ingress.networking.k8s.io "web" is invalid: spec: Invalid value: null: either `defaultBackend` or `rules` '
         "must be specified"),
        (JOBS, named(template={"spec": pod_spec()}), 422,
         'Job.batch "web" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", '
         '"Never"'),
        (CONFIG_MAPS, config_map("web", **{"a/b": "c"}), 422,
         'ConfigMap "web" is invalid: data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric '
         "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
         "'[-._a-zA-Z0-9]+')"),
    ],
)  # fmt: skip
async def test_a_wrong_document_is_refused(
    shop: Client, path: str, body: dict[str, Any], code: int, message: str
) -> None:
    status = await shop.refused("POST", path, body)
    assert (status["code"], status["message"]) == (code, message)
    assert (await shop.refused("GET", f"{path}/web"))["code"] == 404


async def test_every_mistake_is_named_at_once(shop: Client) -> None:
    body = workload()
    mounts = [{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/a"}]
    body["spec"]["template"]["spec"] = pod_spec(name="Bad", volumeMounts=mounts)
    status = await shop.refused("POST", DEPLOYMENTS, body)
    assert [(cause["reason"], cause["field"]) for cause in status["details"]["causes"]] == [
        ("FieldValueInvalid", "spec.template.spec.containers[0].name"),
        ("FieldValueNotFound", "spec.template.spec.containers[0].volumeMounts[0].name"),
        ("FieldValueNotFound", "spec.template.spec.containers[0].volumeMounts[1].name"),
        ("FieldValueInvalid", "spec.template.spec.containers[0].volumeMounts[1].mountPath"),
    ]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (pod_spec(securityContext={"privileged": True}),
         'privileged (container "web" must not set securityContext.privileged=true)'),
        (pod_spec() | {"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
        (pod_spec() | {"volumes": [{"name": "disk", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "disk")'),
        (pod_spec(ports=[{"containerPort": 80, "hostPort": 80}]), 'hostPort (container "web" uses hostPort 80)'),
        (pod_spec(securityContext={"capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}),
         'non-default capabilities (container "web" must not include "SYS_ADMIN" in securityContext.capabilities.add)'),
    ],
)  # fmt: skip
async def test_a_namespace_holds_the_pod_security_level_of_its_label(
    shop: Client, spec: dict[str, Any], why: str
) -> None:
    await shop.merge(SHOP, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    status = await shop.refused("POST", PODS, pod(**spec))
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == f'pods "web" is forbidden: violates PodSecurity "baseline:latest": {why}'
    await shop.post(PODS, pod("harmless"))


ALL = {"drop": ["ALL"]}
GOOD = {"allowPrivilegeEscalation": False, "capabilities": {**ALL, "add": ["NET_BIND_SERVICE"]}}
POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize(
    ("container", "more", "why"),
    [
        ({}, {},
         'allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false), '
         'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"]), '
         'runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true), '
         'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
         '"Localhost")'),
        (GOOD | {"capabilities": ALL | {"add": ["CHOWN"]}}, {"securityContext": POD},
         'unrestricted capabilities (container "web" must not include "CHOWN" in securityContext.capabilities.add)'),
        (GOOD | {"runAsUser": 0}, {"securityContext": POD | {"runAsUser": 0}},
         'runAsUser=0 (pod and container "web" must not set runAsUser=0)'),
        (GOOD, {"securityContext": POD} | {"volumes": [{"name": "a", "hostPath": {}}, {"name": "b", "nfs": {}}]},
         'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")'),
        (GOOD | {"runAsNonRoot": False}, {"securityContext": POD},
         'runAsNonRoot != true (container "web" must not set securityContext.runAsNonRoot=false)'),
    ],
)  # fmt: skip
async def test_a_restricted_namespace_takes_what_needs_no_root(
    shop: Client, container: dict[str, Any], more: dict[str, Any], why: str
) -> None:
    await shop.merge(SHOP, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    status = await shop.refused("POST", PODS, pod(**pod_spec(securityContext=container) | more))
    assert status["message"] == f'pods "web" is forbidden: violates PodSecurity "restricted:latest": {why}'
    await shop.post(PODS, pod("harmless", **pod_spec(securityContext=GOOD) | {"securityContext": POD}))


async def test_methods_and_options_that_do_not_exist_are_refused(shop: Client) -> None:
    assert (await shop.refused("PUT", CONFIG_MAPS, config_map()))["reason"] == "MethodNotAllowed"
    status = await shop.refused("DELETE", f"{CONFIG_MAPS}/settings", {"propagationPolicy": "Sideways"})
    assert status["details"]["causes"][0]["field"] == "propagationPolicy"
    kept = await shop.refused("DELETE", "/api/v1/namespaces/kube-system")
    assert kept["message"] == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'
    future = await shop.refused("GET", f"{CONFIG_MAPS}?resourceVersion=999999")
    assert (future["code"], future["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")
