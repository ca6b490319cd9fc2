"""Objects over HTTP: made, read, changed, listed and deleted, with Kubernetes' own refusals."""

import base64

import aiohttp

from tests.simulator.client import CONFIG_MAPS, MERGE, Client, config_map, pod, workload


async def test_a_request_without_the_token_is_unauthorized(api: Client) -> None:
    async with aiohttp.ClientSession(api.sim.url) as stranger, stranger.get("/api/v1/namespaces") as answer:
        assert answer.status == 401
        assert await answer.json() == {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
            "reason": "Unauthorized", "code": 401,
        }  # fmt: skip


async def test_discovery_names_the_kinds_that_are_served(api: Client) -> None:
    assert (await api.get("/version"))["gitVersion"] == "v1.34.0"
    assert (await api.get("/readyz")) == "ok"
    assert (await api.get("/api"))["versions"] == ["v1"]
    groups = {group["name"] for group in (await api.get("/apis"))["groups"]}
    assert groups == {"apps", "batch", "storage.k8s.io", "networking.k8s.io", "policy", "coordination.k8s.io",
                      "rbac.authorization.k8s.io", "authorization.k8s.io", "authentication.k8s.io"}  # fmt: skip
    apps = {row["name"] for row in (await api.get("/apis/apps/v1"))["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status", "statefulsets"} <= apps


async def test_a_kind_that_is_not_served_is_not_found(api: Client) -> None:
    status = await api.refused("GET", "/api/v1/replicationcontrollers")
    assert status["message"] == "the server could not find the requested resource"
    assert await api.send("GET", "/apis/example.com/v1/things") == (404, "404 page not found\n")


async def test_an_object_is_made_with_identity_version_and_owner(shop: Client) -> None:
    made = await shop.post(CONFIG_MAPS + "?fieldManager=me", config_map(colour="blue"))
    meta = made["metadata"]
    assert (meta["name"], meta["namespace"], meta["creationTimestamp"]) == ("settings", "shop", "2026-01-01T00:00:00Z")
    assert [(row["manager"], row["operation"], row["fieldsV1"]) for row in meta["managedFields"]] == [
        ("me", "Update", {"f:data": {"f:colour": {}}})
    ]
    again = await shop.get(f"{CONFIG_MAPS}/settings")
    assert again == made


async def test_the_same_name_twice_already_exists(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, config_map())
    status = await shop.refused("POST", CONFIG_MAPS, config_map())
    assert (status["code"], status["reason"]) == (409, "AlreadyExists")
    assert status["message"] == 'configmaps "settings" already exists'
    assert status["details"] == {"name": "settings", "kind": "configmaps"}


async def test_a_stale_version_is_a_conflict_and_changes_nothing(shop: Client) -> None:
    made = await shop.post(CONFIG_MAPS, config_map(colour="blue"))
    await shop.put(f"{CONFIG_MAPS}/settings", {**made, "data": {"colour": "red"}})
    status = await shop.refused("PUT", f"{CONFIG_MAPS}/settings", {**made, "data": {"colour": "green"}})
    assert status["message"] == (
        'Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )
    assert (await shop.get(f"{CONFIG_MAPS}/settings"))["data"] == {"colour": "red"}


async def test_a_write_that_changes_nothing_keeps_the_version(shop: Client) -> None:
    made = await shop.post(CONFIG_MAPS, config_map(colour="blue"))
    assert await shop.put(f"{CONFIG_MAPS}/settings", made) == made


async def test_a_dry_run_leaves_nothing_behind(shop: Client) -> None:
    await shop.post(CONFIG_MAPS + "?dryRun=All", config_map())
    assert (await shop.refused("GET", f"{CONFIG_MAPS}/settings"))["reason"] == "NotFound"


async def test_patches_of_each_kind_change_what_they_name(shop: Client) -> None:
    path = f"{CONFIG_MAPS}/settings"
    await shop.post(CONFIG_MAPS, config_map(a="1", b="2"))
    assert (await shop.merge(path, {"data": {"a": None, "c": "3"}}))["data"] == {"b": "2", "c": "3"}
    change = [{"op": "replace", "path": "/data/b", "value": "4"}, {"op": "remove", "path": "/data/c"}]
    assert (await shop.send("PATCH", path, change, "application/json-patch+json"))[1]["data"] == {"b": "4"}
    status = await shop.refused("PATCH", path, [{"op": "remove", "path": "/data/z"}], "application/json-patch+json")
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert (await shop.refused("PATCH", path, {}, "text/plain"))["code"] == 415


async def test_a_strategic_patch_merges_containers_by_name(shop: Client) -> None:
    await shop.post("/apis/apps/v1/namespaces/shop/deployments", workload())
    change = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.28"}]}}}}
    kind = "application/strategic-merge-patch+json"
    _, found = await shop.send("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", change, kind)
    images = [(one["name"], one["image"]) for one in found["spec"]["template"]["spec"]["containers"]]
    assert images == [("web", "nginx:1.28")]
    assert found["metadata"]["generation"] == 2


async def test_a_secret_holds_its_texts_encoded(shop: Client) -> None:
    made = await shop.post("/api/v1/namespaces/shop/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    assert (made["type"], made["data"]) == ("Opaque", {"a": base64.b64encode(b"b").decode()})
    assert "stringData" not in made


async def test_names_that_break_the_rule_are_invalid(api: Client) -> None:
    status = await api.refused("POST", "/api/v1/namespaces", {"metadata": {"name": "Bad_Name"}})
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"]["causes"][0]["field"] == "metadata.name"
    long = await api.refused("POST", "/api/v1/namespaces", {"metadata": {"name": "a" * 64}})
    assert "must be no more than 63 characters" in long["message"]


async def test_a_namespace_must_exist(api: Client) -> None:
    status = await api.refused("POST", "/api/v1/namespaces/nowhere/configmaps", config_map())
    assert (status["code"], status["message"]) == (404, 'namespaces "nowhere" not found')


async def test_a_deployment_without_what_it_needs_is_invalid(shop: Client) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments"
    status = await shop.refused("POST", path, {"metadata": {"name": "web"}, "spec": {}})
    assert [cause["field"] for cause in status["details"]["causes"]] == [
        "spec.selector", "spec.template.metadata.labels", "spec.template.spec.containers",
    ]  # fmt: skip
    wrong = workload()
    wrong["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "PORT", "value": 80}]
    assert "cannot unmarshal number" in (await shop.refused("POST", path, wrong))["message"]


async def test_the_selector_of_a_deployment_cannot_change(shop: Client) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments"
    await shop.post(path, workload())
    await shop.advance(1)
    made = await shop.get(f"{path}/web")
    made["spec"]["selector"]["matchLabels"] = {"app": "other"}
    made["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    status = await shop.refused("PUT", f"{path}/web", made)
    assert status["message"] == (
        'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: '
        "field is immutable"
    )


async def test_lists_are_chosen_by_labels_and_fields(shop: Client) -> None:
    for name, labels in (("a", {"tier": "web"}), ("b", {"tier": "db"}), ("c", {})):
        await shop.post(CONFIG_MAPS, {"metadata": {"name": name, "labels": labels}})

    async def names(query: str) -> list[str]:
        items = (await shop.get(f"{CONFIG_MAPS}?{query}"))["items"]
        return [item["metadata"]["name"] for item in items if item["metadata"]["name"] != "kube-root-ca.crt"]

    assert await names("labelSelector=tier%3Dweb") == ["a"]
    assert await names("labelSelector=tier!%3Dweb") == ["b", "c"]
    assert await names("labelSelector=tier+in+(web,db)") == ["a", "b"]
    assert await names("labelSelector=tier+notin+(web)") == ["b", "c"]
    assert await names("labelSelector=tier") == ["a", "b"]
    assert await names("labelSelector=!tier") == ["c"]
    assert await names("fieldSelector=metadata.name%3Db") == ["b"]
    status = await shop.refused("GET", f"{CONFIG_MAPS}?fieldSelector=spec.colour%3D1")
    assert status["message"] == "field label not supported: spec.colour"


async def test_a_long_list_comes_in_pages_until_its_token_is_too_old(shop: Client) -> None:
    for name in "abc":
        await shop.post(CONFIG_MAPS, config_map(name))
    first = await shop.get(f"{CONFIG_MAPS}?limit=2")
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 2
    token = first["metadata"]["continue"]
    second = await shop.get(f"{CONFIG_MAPS}?limit=2&continue={token}")
    assert [item["metadata"]["name"] for item in second["items"]] == ["c", "kube-root-ca.crt"]
    assert "continue" not in second["metadata"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    shop.sim.compact()
    status = await shop.refused("GET", f"{CONFIG_MAPS}?limit=2&continue={token}")
    assert (status["code"], status["reason"]) == (410, "Expired")


async def test_items_of_lists_have_no_kind_and_metadata_can_be_asked_for_alone(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, config_map(a="1"))
    found = await shop.get(CONFIG_MAPS)
    assert (found["kind"], {"kind", "apiVersion"} & found["items"][0].keys()) == ("ConfigMapList", set())
    accept = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    async with shop.session.get(f"{CONFIG_MAPS}/settings", headers=accept) as answer:
        partial = await answer.json()
    assert (partial["kind"], sorted(partial)) == ("PartialObjectMetadata", ["apiVersion", "kind", "metadata"])


async def test_deletion_holds_the_uid_that_was_meant(shop: Client) -> None:
    made = await shop.post(CONFIG_MAPS, config_map())
    status = await shop.refused("DELETE", f"{CONFIG_MAPS}/settings", {"preconditions": {"uid": "another"}})
    assert status["message"] == (
        'Operation cannot be fulfilled on ConfigMap "settings": the UID in the precondition (another) does not match '
        f"the UID in record ({made['metadata']['uid']}). The object might have been deleted and then recreated"
    )
    gone = await shop.delete(f"{CONFIG_MAPS}/settings", {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert gone["details"] == {"name": "settings", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (await shop.refused("DELETE", f"{CONFIG_MAPS}/settings"))["code"] == 404


async def test_finalizers_hold_an_object_until_they_are_taken_away(shop: Client) -> None:
    path = f"{CONFIG_MAPS}/held"
    await shop.post(CONFIG_MAPS, {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    assert "deletionTimestamp" in (await shop.delete(path))["metadata"]
    assert (await shop.get(path))["metadata"]["finalizers"] == ["example.com/hold"]
    await shop.merge(path, {"metadata": {"finalizers": None}})
    assert (await shop.refused("GET", path))["code"] == 404


async def test_a_collection_is_deleted_by_label(shop: Client) -> None:
    for name, tier in (("a", "web"), ("b", "db")):
        await shop.post(CONFIG_MAPS, {"metadata": {"name": name, "labels": {"tier": tier}}})
    await shop.delete(f"{CONFIG_MAPS}?labelSelector=tier%3Dweb")
    left = [item["metadata"]["name"] for item in (await shop.get(CONFIG_MAPS))["items"]]
    assert left == ["b", "kube-root-ca.crt"]


async def test_the_scale_of_a_deployment_is_read_and_set(shop: Client) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments"
    await shop.post(path, workload(replicas=1))
    scale = await shop.send("PATCH", f"{path}/web/scale?fieldManager=me", {"spec": {"replicas": 3}}, MERGE)
    assert scale[1]["spec"] == {"replicas": 3}
    found = await shop.get(f"{path}/web")
    assert found["spec"]["replicas"] == 3
    assert ("me", "scale") in {(row["manager"], row.get("subresource")) for row in found["metadata"]["managedFields"]}


async def test_a_quota_refuses_what_exceeds_it(shop: Client) -> None:
    hard = {"hard": {"pods": "1", "requests.cpu": "500m"}}
    await shop.post("/api/v1/namespaces/shop/resourcequotas", {"metadata": {"name": "limit"}, "spec": hard})
    small = pod("small")
    small["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "200m"}}
    await shop.post("/api/v1/namespaces/shop/pods", small)
    second = {**small, "metadata": {"name": "second"}}
    status = await shop.refused("POST", "/api/v1/namespaces/shop/pods", second)
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == (
        'pods "second" is forbidden: exceeded quota: limit, requested: pods=1, used: pods=1, limited: pods=1'
    )
    bare = await shop.refused("POST", "/api/v1/namespaces/shop/pods", pod("bare"))
    assert bare["message"] == 'pods "bare" is forbidden: failed quota: limit: must specify requests.cpu for: web'
    await shop.advance(0)
    quota = await shop.get("/api/v1/namespaces/shop/resourcequotas/limit")
    assert quota["status"]["used"] == {"pods": "1", "requests.cpu": "200m"}
