"""Things by their ids, and by the names that people know."""

import pytest

from models import Instance
from models.ids import new_id
from resolvers.nouns import NOUNS
from rules.enums import Role
from tests.api.documents import all_fields
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")

NODES = sorted(NOUNS.keys() - {"LogLine"})


@pytest.fixture
async def world() -> makers.World:
    return await makers.world("acme")


async def test_every_field_of_every_type_answers(world: makers.World) -> None:
    ids = await makers.everything(world)
    assert sorted(ids) == NODES
    api = Api(world.owner)
    for name, id in ids.items():
        data = await api.query(
            f"query($id: ID!) {{ node(id: $id) {{ ... on {name} {{ {all_fields(name, 2)} }} }} }}", id=id
        )
        assert (data["node"]["__typename"], data["node"]["id"]) == (name, id)


async def test_nodes_keep_their_order_and_leave_a_gap_for_what_is_not_there(world: makers.World) -> None:
    ids = [world.app.id, new_id("app"), "nonsense", world.cluster.id, world.app.id]
    data = await Api(world.owner).query("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)
    app = {"__typename": "App", "id": world.app.id}
    cluster = {"__typename": "Cluster", "id": world.cluster.id}
    assert data == {"nodes": [app, None, None, cluster, app]}


async def test_more_than_a_hundred_ids_are_refused(world: makers.World) -> None:
    ids = [new_id("app") for _ in range(101)]
    answer = await Api(world.owner).ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert (answer.codes, answer.errors) == (["INVALID_INPUT"], ["INVALID_INPUT: 101 ids were sent; 100 can be."])


async def seen(api: Api, ids: dict[str, str]) -> set[str]:
    """The names of those that the viewer finds, each alone and all together."""
    answer = await api.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=list(ids.values()))
    assert answer.errors == []
    together = {name for name, node in zip(ids, answer.data["nodes"], strict=True) if node == {"id": ids[name]}}
    for name, id in ids.items():
        alone = await api.ask("query($id: ID!) { node(id: $id) { id } }", id=id)
        assert (alone.data, alone.errors) == ({"node": {"id": id} if name in together else None}, [])
    return together


async def test_another_tenants_nodes_are_like_some_that_do_not_exist(world: makers.World) -> None:
    other = await makers.world("other")
    ids = await makers.everything(other)
    assert await seen(Api(other.owner), ids) == set(NODES)
    assert await seen(Api(world.owner), ids) == set()


async def test_a_reader_sees_what_an_owner_sees_but_for_the_owners_token(world: makers.World) -> None:
    ids = await makers.everything(world)
    reader = Api(await makers.viewer(world.organization, role=Role.READER))
    assert await seen(reader, ids) == set(NODES) - {"Token"}


async def test_a_token_narrowed_to_an_instance_sees_that_and_its_app(world: makers.World) -> None:
    ids = await makers.everything(world)
    narrowed = Api(await makers.viewer(world.organization, instance=await Instance.get(id=ids["Instance"])))
    tasks = {"Task", "Job", "Step"}
    assert await seen(narrowed, ids) == {"App", "Instance", "AppService", "Variable", "Deployment", *tasks}


async def test_a_token_narrowed_to_one_instance_does_not_see_another(world: makers.World) -> None:
    ids = await makers.everything(world)
    narrowed = Api(await makers.viewer(world.organization, instance=await makers.instance(world, "other")))
    assert await seen(narrowed, ids) == {"App"}


async def test_names_find_what_ids_find(world: makers.World) -> None:
    instance = await makers.instance(world, "dev")
    data = await Api(world.owner).query(
        """{ app(name: "shop") { id } instance(app: "shop", name: "dev") { id } stack(name: "shop") { id }
             service(name: "web") { name } cluster(name: "main") { id } environment(name: "dev") { id }
             missing: app(name: "nope") { id } none: instance(app: "nope", name: "dev") { id } }"""
    )
    assert data == {
        "app": {"id": world.app.id},
        "instance": {"id": instance.id},
        "stack": {"id": world.stack.stack_id},
        "service": {"name": "web"},
        "cluster": {"id": world.cluster.id},
        "environment": {"id": world.environment.id},
        "missing": None,
        "none": None,
    }


async def test_a_name_in_several_organizations_needs_to_know_which(world: makers.World) -> None:
    other = await makers.world("other")
    both = Api(await makers.viewer(world.organization, other.organization))
    answer = await both.ask('{ app(name: "shop") { id } }')
    assert (answer.data, answer.codes) == ({"app": None}, ["INVALID_INPUT"])
    data = await both.query(
        'query($id: String!) { named: app(name: "shop", organization: "other") { id } '
        'app(name: "shop", organization: $id) { id } }',
        id=world.organization.id,
    )
    assert data == {"named": {"id": other.app.id}, "app": {"id": world.app.id}}


async def test_a_name_in_another_tenants_organization_is_like_one_that_does_not_exist(world: makers.World) -> None:
    await makers.world("other")
    answer = await Api(world.owner).ask('{ app(name: "shop", organization: "other") { id } }')
    assert (answer.data, answer.errors) == ({"app": None}, [])
