"""Server-side apply: merged by keys, owned by managers, refused where they disagree, in the real words."""

from typing import Any

from tests.simulator.client import APPLY, CONFIG_MAPS, DEPLOYMENTS, MERGE, Client, config_map, workload

PATH = f"{CONFIG_MAPS}/settings"


def owned(obj: dict[str, Any]) -> dict[str, Any]:
    return {row["manager"]: row["fieldsV1"] for row in obj["metadata"]["managedFields"]}


async def test_applying_makes_what_is_not_there(shop: Client) -> None:
    status, made = await shop.send("PATCH", f"{PATH}?fieldManager=one", config_map(colour="blue"), APPLY)
    assert status == 201
    assert [(row["manager"], row["operation"]) for row in made["metadata"]["managedFields"]] == [("one", "Apply")]
    assert owned(made) == {"one": {"f:data": {"f:colour": {}}}}
    again = await shop.send("PATCH", f"{PATH}?fieldManager=one", config_map(colour="blue"), APPLY)
    assert again == (200, made)


async def test_yaml_may_be_applied(shop: Client) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: blue\n"
    headers = {"Content-Type": APPLY}
    async with shop.session.patch(f"{PATH}?fieldManager=one", data=text, headers=headers) as answer:
        assert (answer.status, (await answer.json())["data"]) == (201, {"colour": "blue"})


async def test_a_field_that_is_no_longer_applied_goes(shop: Client) -> None:
    await shop.apply(PATH, config_map(a="1", b="2"))
    found = await shop.apply(PATH, config_map(a="1"))
    assert found["data"] == {"a": "1"}


async def test_a_field_of_another_manager_is_a_conflict_that_names_both(shop: Client) -> None:
    await shop.apply(PATH, config_map(k="v", l="w"), manager="one")
    status = await shop.refused("PATCH", f"{PATH}?fieldManager=two", config_map(k="z", l="u"), APPLY)
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert status["message"] == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.k\n- .data.l'
    assert status["details"]["causes"][0] == {
        "reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.k",
    }  # fmt: skip
    single = await shop.refused("PATCH", f"{PATH}?fieldManager=two", config_map(k="z"), APPLY)
    assert single["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.k'
    assert (await shop.get(PATH))["data"] == {"k": "v", "l": "w"}


async def test_the_same_value_is_shared_and_survives_one_owner(shop: Client) -> None:
    await shop.apply(PATH, config_map(k="v", l="w"), manager="one")
    await shop.apply(PATH, config_map(k="v"), manager="two")
    found = await shop.apply(PATH, config_map(), manager="one")
    assert found["data"] == {"k": "v"}
    assert owned(found) == {"one": {"f:data": {}}, "two": {"f:data": {"f:k": {}}}}


async def test_force_takes_the_field_over(shop: Client) -> None:
    await shop.apply(PATH, config_map(k="v", l="w"), manager="one")
    found = await shop.apply(PATH, config_map(k="z"), manager="two", force=True)
    assert found["data"] == {"k": "z", "l": "w"}
    assert owned(found) == {"one": {"f:data": {"f:l": {}}}, "two": {"f:data": {"f:k": {}}}}


async def test_a_patch_takes_over_what_it_changes(shop: Client) -> None:
    await shop.apply(f"{DEPLOYMENTS}/web", workload(replicas=1), manager="one")
    await shop.send("PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=hand", {"spec": {"replicas": 2}}, MERGE)
    body = workload(replicas=3)
    status = await shop.refused("PATCH", f"{DEPLOYMENTS}/web?fieldManager=one", body, APPLY)
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "hand" with subresource "scale" using apps/v1: .spec.replicas'
    )


async def test_containers_and_their_environment_are_merged_by_name(shop: Client) -> None:
    mine = workload()
    mine["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]
    await shop.apply(f"{DEPLOYMENTS}/web", mine, manager="one")
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    side = {"name": "side", "image": "busybox:1", "env": [{"name": "C", "value": "3"}]}
    web = {"name": "web", "env": [{"name": "D", "value": "4"}]}
    other["spec"] = {"template": {"spec": {"containers": [side, web]}}}
    await shop.apply(f"{DEPLOYMENTS}/web", other, manager="two")
    del mine["spec"]["template"]["spec"]["containers"][0]["env"][1]
    found = await shop.apply(f"{DEPLOYMENTS}/web", mine, manager="one")
    rows = {one["name"]: [env["name"] for env in one["env"]] for one in found["spec"]["template"]["spec"]["containers"]}
    assert rows == {"web": ["A", "D"], "side": ["C"]}


async def test_a_block_that_is_left_out_goes_with_its_defaults(shop: Client) -> None:
    mine = workload()
    container = mine["spec"]["template"]["spec"]["containers"][0]
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 80}}
    made = await shop.apply(f"{DEPLOYMENTS}/web", mine)
    assert made["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["periodSeconds"] == 10
    del container["readinessProbe"]
    found = await shop.apply(f"{DEPLOYMENTS}/web", mine)
    assert "readinessProbe" not in found["spec"]["template"]["spec"]["containers"][0]


async def test_what_is_applied_must_say_what_it_is(shop: Client) -> None:
    unsaid = await shop.refused("PATCH", f"{PATH}?fieldManager=one", {"data": {}}, APPLY)
    assert unsaid["message"] == "invalid object type: /, Kind="
    nameless = {"apiVersion": "v1", "kind": "ConfigMap"}
    status = await shop.refused("PATCH", f"{PATH}?fieldManager=one", nameless, APPLY)
    assert status["message"] == (
        "the name of the object (settings based on URL) was undeterminable: name must be provided"
    )
    manager = await shop.refused("PATCH", PATH, config_map(), APPLY)
    assert (manager["code"], manager["details"]["causes"][0]["field"]) == (422, "fieldManager")


async def test_two_items_of_one_key_cannot_be_applied(shop: Client) -> None:
    mine = workload()
    mine["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}] * 2
    status = await shop.refused("PATCH", f"{DEPLOYMENTS}/web?fieldManager=one", mine, APPLY)
    assert status["message"] == (
        "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): "
        '.spec.template.spec.containers[name="web"].env: duplicate entries for key [name="A"]'
    )
