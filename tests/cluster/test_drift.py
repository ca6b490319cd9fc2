"""What was applied, held against what a cluster has made of it."""

from kube.apply import apply
from kube.clients import Cluster
from kube.drift import drifted, strangers
from kube.labels import Identity
from kube.manifests import objects
from kube.resources import CONFIG_MAP, DEPLOYMENT, SERVICE
from tests.cluster.rollouts import roll_out
from tests.kube.plans import plan, talk, web, with_volume


async def test_defaults_and_what_controllers_do_are_no_drift(cluster: Cluster, owner: Identity) -> None:
    wanted = plan(web(2), with_volume(talk()))
    await roll_out(cluster, owner, wanted)
    made = objects(owner, wanted)
    assert await drifted(cluster, made) == []
    keys = {(one["kind"], one["metadata"]["name"]) for one in made}
    assert await strangers(cluster, owner.namespace, owner.instance_id, keys) == []


async def test_what_others_do_is_told_field_by_field(cluster: Cluster, owner: Identity) -> None:
    made = objects(owner, plan(web(1)))
    await apply(cluster, made)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.local/other:1"}]}}}}
    await cluster.request(
        "PATCH", DEPLOYMENT.path(owner.namespace, "web"), query={"fieldManager": "somebody"}, body=change,
        content_type="application/strategic-merge-patch+json",
    )  # fmt: skip
    await cluster.request("DELETE", SERVICE.path(owner.namespace, "web"))
    service, deployment = sorted(await drifted(cluster, made), key=lambda one: one.kind, reverse=True)
    assert (service.kind, service.name, service.missing) == ("Service", "web", True)
    assert (deployment.missing, "somebody" in deployment.managers) == (False, True)
    assert {one.path: one.found for one in deployment.differences} == {
        "spec.template.spec.containers[web].image": '"registry.local/other:1"'
    }
    body = {"metadata": {"name": "theirs"}, "data": {"a": "b"}}
    await cluster.request("POST", CONFIG_MAP.path(owner.namespace), query={"fieldManager": "tool"}, body=body)
    keys = {(one["kind"], one["metadata"]["name"]) for one in made}
    [stranger] = await strangers(cluster, owner.namespace, owner.instance_id, keys)
    assert (stranger.kind, stranger.name, stranger.managers) == ("ConfigMap", "theirs", ("tool",))
