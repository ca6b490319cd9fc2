"""Server-side apply: what is taken, what is refused, who owns which field."""

from dataclasses import replace

import pytest

from kube.apply import apply
from kube.clients import APPLY, Cluster
from kube.errors import Conflict, Invalid, NotFound
from kube.labels import Identity
from kube.manifests import Need, foundation, holdings, objects, running
from kube.resources import CONFIG_MAP, DEPLOYMENT, RESOURCE_QUOTA, SECRET
from tests.kube.plans import plan, talk, web, with_volume


async def test_every_object_is_taken_by_the_server(cluster: Cluster, owner: Identity) -> None:
    made = objects(owner, plan(with_volume(web()), talk()))
    items = await apply(cluster, made)
    assert sorted((item.kind, item.name) for item in items) == sorted((m["kind"], m["metadata"]["name"]) for m in made)
    assert await apply(cluster, made) == items


async def test_a_dry_run_changes_nothing(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, foundation(owner, Need()), dry_run=True)
    with pytest.raises(NotFound):
        await cluster.request("GET", RESOURCE_QUOTA.path(owner.namespace, "berth"))


async def test_a_conflict_names_the_owner_and_force_takes_over(cluster: Cluster, owner: Identity) -> None:
    made = holdings(owner, web())[1]
    theirs = {**made, "data": {"app.conf": "theirs\n"}}
    query = {"fieldManager": "somebody"}
    path = CONFIG_MAP.path(owner.namespace, "web.app")
    await cluster.request("PATCH", path, query=query, body=theirs, content_type=APPLY)
    with pytest.raises(Conflict) as refused:
        await apply(cluster, [made])
    assert refused.value.details["object"] == "ConfigMap/web.app"
    assert [(o["manager"], o["field"]) for o in refused.value.owners] == [("somebody", ".data.app.conf")]
    await apply(cluster, [made], force=True)
    assert (await cluster.request("GET", path))["data"] == {"app.conf": "hello\n"}


async def test_a_variable_that_is_taken_out_leaves_its_secret(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, holdings(owner, web()))
    less = web(env=(replace(web().workloads[0].containers[0].env[1], name="OTHER"),))
    await apply(cluster, holdings(owner, less))
    found = await cluster.request("GET", SECRET.path(owner.namespace, "web.web.env"))
    assert sorted(found["data"]) == ["OTHER"]


async def test_a_wrong_object_is_refused_with_its_name_and_field(cluster: Cluster, owner: Identity) -> None:
    deployment = running(owner, web(image=""))[-1]
    with pytest.raises(Invalid) as refused:
        await apply(cluster, [deployment])
    assert refused.value.details["object"] == "Deployment/web"
    assert refused.value.details["causes"][0]["field"] == "spec.template.spec.containers[0].image"


async def test_the_strategy_can_be_changed_there_and_back(cluster: Cluster, owner: Identity) -> None:
    await apply(cluster, running(owner, web()))
    await apply(cluster, running(owner, with_volume(web())))
    found = await cluster.request("GET", DEPLOYMENT.path(owner.namespace, "web"))
    assert found["spec"]["strategy"] == {"type": "Recreate"}
    await apply(cluster, running(owner, web()))
