"""Objects whose fields do not exist or have another type: refused by name when they are applied, before anything is."""

from copy import deepcopy
from typing import Any

import pytest

from kube.apply import apply, rehearse
from kube.clients import APPLY, MERGE, Cluster
from kube.errors import Invalid, NotFound
from kube.labels import Identity
from kube.manifests import running
from kube.resources import DEPLOYMENT
from tests.kube.plans import web

CONTAINER = "spec.template.spec.containers.0"
AT = '.spec.template.spec.containers[name="web"]'
WRONG: list[tuple[str, Any, str]] = [
    ("spec.replicaz", 1, ".spec.replicaz: field not declared in schema"),
    ("spec.replicas", "two", ".spec.replicas: expected numeric (int or float)"),
    ("spec.paused", "yes", ".spec.paused: expected boolean"),
    ("spec.template.spec.containers", {"web": {"image": "web"}}, ".spec.template.spec.containers: expected list"),
    ("spec.strategy", "Recreate", ".spec.strategy: expected map"),
    (f"{CONTAINER}.image", 1, f"{AT}.image: expected string"),
    (f"{CONTAINER}.imagePolicy", "Always", f"{AT}.imagePolicy: field not declared in schema"),
    (f"{CONTAINER}.args", "serve", f"{AT}.args: expected list"),
    (f"{CONTAINER}.args", [{"a": 1}], f"{AT}.args[0]: expected string"),
    (f"{CONTAINER}.resources", {"limits": "1Gi"}, f"{AT}.resources.limits: expected map"),
    (f"{CONTAINER}.readinessProbe", {"httpGet": {"port": 1, "route": "/"}},
     f"{AT}.readinessProbe.httpGet.route: field not declared in schema"),
    ("metadata.labels.broken", {"a": "b"}, ".metadata.labels.broken: expected string"),
    ("metadata.label", {"a": "b"}, ".metadata.label: field not declared in schema"),
    ("specs", {}, ".specs: field not declared in schema"),
]  # fmt: skip


def with_wrong(made: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The object with a value at a path of fields and places in lists."""
    made = deepcopy(made)
    *steps, last = path.split(".")
    at: Any = made
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "message"), WRONG, ids=[f"{path}-{type(v).__name__}" for path, v, _ in WRONG]
)
async def test_what_the_schema_does_not_know_is_refused_by_name(
    cluster: Cluster, owner: Identity, path: str, value: Any, message: str
) -> None:
    made = with_wrong(running(owner, web())[-1], path, value)
    for asked in (rehearse, apply):
        with pytest.raises(Invalid) as refused:
            await asked(cluster, [made])
        assert message in refused.value.message
        assert not refused.value.retryable
        assert refused.value.details["object"] == "Deployment/web"
    with pytest.raises(NotFound):
        await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))


async def test_what_may_be_a_number_or_a_text_may_be_either(cluster: Cluster, owner: Identity) -> None:
    made = with_wrong(running(owner, web())[-1], f"{CONTAINER}.resources", {"limits": {"cpu": 1, "memory": "64Mi"}})
    made = with_wrong(made, f"{CONTAINER}.readinessProbe", {"httpGet": {"port": "http", "path": "/"}})
    await apply(cluster, [with_wrong(made, "spec.paused", None)])
    found = await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))
    limits = found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert {name: str(value) for name, value in limits.items()} == {"cpu": "1", "memory": "64Mi"}


async def test_a_patch_takes_no_other_type_and_leaves_out_what_it_does_not_know(
    cluster: Cluster, owner: Identity
) -> None:
    await apply(cluster, running(owner, web()))
    path = DEPLOYMENT.path(owner.namespace, "web")
    await cluster.request("PATCH", path, body={"spec": {"replicaz": 2}}, content_type=MERGE)
    assert "replicaz" not in (await cluster.request("GET", path))["spec"]
    with pytest.raises(Invalid):
        await cluster.request("PATCH", path, body={"spec": {"replicas": "two"}}, content_type=MERGE)


async def test_an_apply_of_no_object_is_refused(cluster: Cluster, owner: Identity) -> None:
    path = DEPLOYMENT.path(owner.namespace, "web")
    with pytest.raises(Invalid):
        await cluster.request("PATCH", path, query={"fieldManager": "berth"}, body=[], content_type=APPLY)
