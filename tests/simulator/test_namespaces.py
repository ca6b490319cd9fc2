"""Namespaces: what they get, how they go, and what holds them up."""

from tests.simulator.client import CONFIG_MAPS, PODS, Client, conditions, config_map, pod, workload

SHOP = "/api/v1/namespaces/shop"


async def test_a_new_namespace_has_an_account_and_the_root_certificate(shop: Client) -> None:
    found = await shop.get(SHOP)
    assert (found["status"], found["spec"]) == ({"phase": "Active"}, {"finalizers": ["kubernetes"]})
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    accounts = (await shop.get(f"{SHOP}/serviceaccounts"))["items"]
    assert [one["metadata"]["name"] for one in accounts] == ["default"]
    assert [one["metadata"]["name"] for one in (await shop.get(CONFIG_MAPS))["items"]] == ["kube-root-ca.crt"]


async def test_deletion_takes_the_content_and_waits_for_the_pods(shop: Client) -> None:
    await shop.post("/apis/apps/v1/namespaces/shop/deployments", workload())
    await shop.advance(1)
    shop.sim.behave(sigterm="ignore")
    found = await shop.delete(SHOP)
    assert (found["kind"], found["status"]["phase"]) == ("Namespace", "Terminating")
    await shop.advance(0)
    assert (await shop.get("/apis/apps/v1/namespaces/shop/deployments"))["items"] == []
    going = await shop.get(SHOP)
    rows = {row["type"]: row["message"] for row in going["status"]["conditions"]}
    assert rows["NamespaceContentRemaining"] == "Some resources are remaining: pods. has 1 resource instances"
    await shop.advance(30)
    assert (await shop.refused("GET", SHOP))["code"] == 404


async def test_nothing_new_can_be_made_in_a_namespace_that_goes(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    await shop.delete(SHOP)
    await shop.advance(0)
    status = await shop.refused("POST", CONFIG_MAPS, config_map("late"))
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == (
        'configmaps "late" is forbidden: unable to create new content in namespace shop because it is being terminated'
    )
    assert status["details"]["causes"] == [{
        "reason": "NamespaceTerminating", "message": "namespace shop is being terminated",
        "field": "metadata.namespace",
    }]  # fmt: skip


async def test_a_finalizer_inside_holds_the_namespace_and_is_named(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    await shop.delete(SHOP)
    await shop.advance(5)
    found = await shop.get(SHOP)
    assert conditions(found) == {
        "NamespaceDeletionDiscoveryFailure": ("False", "ResourcesDiscovered"),
        "NamespaceDeletionGroupVersionParsingFailure": ("False", "ParsedGroupVersions"),
        "NamespaceDeletionContentFailure": ("False", "ContentDeleted"),
        "NamespaceContentRemaining": ("True", "SomeResourcesRemain"),
        "NamespaceFinalizersRemaining": ("True", "SomeFinalizersRemain"),
    }
    messages = {row["type"]: row["message"] for row in found["status"]["conditions"]}
    assert messages["NamespaceContentRemaining"] == (
        "Some resources are remaining: configmaps. has 1 resource instances"
    )
    assert messages["NamespaceFinalizersRemaining"] == (
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    await shop.merge(f"{CONFIG_MAPS}/held", {"metadata": {"finalizers": None}})
    await shop.advance(0)
    assert (await shop.refused("GET", SHOP))["code"] == 404


async def test_a_finalizer_of_its_own_holds_an_empty_namespace(shop: Client) -> None:
    await shop.merge(SHOP, {"metadata": {"finalizers": ["example.com/hold"]}})
    await shop.delete(SHOP)
    await shop.advance(1)
    assert (await shop.get(SHOP))["spec"] == {}
    await shop.merge(SHOP, {"metadata": {"finalizers": None}})
    assert (await shop.refused("GET", SHOP))["code"] == 404


async def test_a_deletion_of_another_uid_is_refused(shop: Client) -> None:
    uid = (await shop.get(SHOP))["metadata"]["uid"]
    status = await shop.refused("DELETE", SHOP, {"preconditions": {"uid": "another"}})
    assert status["message"] == (
        'Operation cannot be fulfilled on namespaces "shop": Precondition failed: UID in precondition: another, '
        f"UID in object meta: {uid}"
    )
    assert (await shop.get(SHOP))["status"]["phase"] == "Active"


async def test_a_namespace_made_again_is_another_one(shop: Client) -> None:
    before = (await shop.get(SHOP))["metadata"]["uid"]
    await shop.post(PODS, pod())
    await shop.delete(SHOP)
    await shop.advance(60)
    made = await shop.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    assert made["metadata"]["uid"] != before
    assert (await shop.get(PODS))["items"] == []
