"""Lists: pages, order, filters, counts, what is hidden, and how many statements they take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tortoise.connection import get_connection

from models import Environment
from rules.enums import InstanceState, TaskState
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")

NAMES = ["a", "b", "c", "d", "e"]
PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $order: ListOrder) {
  environments(first: $first, after: $after, last: $last, before: $before, order: $order) {
    totalCount nodes { name } edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture
async def api() -> Api:
    of = await makers.organization("acme")
    for name in NAMES:
        await makers.environment(of, name)
    other = await makers.organization("other")
    await makers.environment(other, "hidden")
    return Api(await makers.viewer(of))


async def page(api: Api, **variables: Any) -> tuple[list[str], bool, bool, str, str]:
    found = (await api.query(PAGE, **variables))["environments"]
    names = [node["name"] for node in found["nodes"]]
    assert names == [edge["node"]["name"] for edge in found["edges"]]
    assert found["totalCount"] == len(NAMES)
    info = found["pageInfo"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    assert [info["startCursor"], info["endCursor"]] == ([cursors[0], cursors[-1]] if cursors else [None, None])
    return names, info["hasNextPage"], info["hasPreviousPage"], info["startCursor"], info["endCursor"]


@pytest.mark.parametrize(("order", "sorted_names"), [("NAME", "abcde"), ("OLDEST", "abcde"), ("NEWEST", "edcba")])
async def test_pages_forwards_and_backwards_meet_every_row_once(api: Api, order: str, sorted_names: str) -> None:
    first, more, earlier, _, end = await page(api, first=2, order=order)
    assert ("".join(first), more, earlier) == (sorted_names[:2], True, False)
    second, more, earlier, _, end = await page(api, first=2, after=end, order=order)
    assert ("".join(second), more, earlier) == (sorted_names[2:4], True, True)
    third, more, earlier, start, _ = await page(api, first=2, after=end, order=order)
    assert ("".join(third), more, earlier) == (sorted_names[4:], False, True)
    back, more, earlier, start, _ = await page(api, last=3, before=start, order=order)
    assert ("".join(back), more, earlier) == (sorted_names[1:4], True, True)
    begin, more, earlier, _, _ = await page(api, last=3, before=start, order=order)
    assert ("".join(begin), more, earlier) == (sorted_names[:1], True, False)
    tail, more, earlier, _, _ = await page(api, last=2, order=order)
    assert ("".join(tail), more, earlier) == (sorted_names[3:], False, True)


async def test_rows_of_the_same_time_are_neither_repeated_nor_left_out(api: Api) -> None:
    moment = (await Environment.get(name="a")).created_at
    await Environment.all().update(created_at=moment)
    seen: list[str] = []
    after = None
    for _ in NAMES:
        names, _, _, _, after = await page(api, first=1, after=after, order="NEWEST")
        seen += names
    assert sorted(seen) == NAMES


async def test_a_page_of_nothing_still_counts(api: Api) -> None:
    names, more, _, _, _ = await page(api, first=0)
    assert (names, more) == ([], True)


@pytest.mark.parametrize(
    ("variables", "code", "message"),
    [
        ({"first": 101}, "INVALID_INPUT", "first is 101; a page has 0 to 100 items."),
        ({"last": -1}, "INVALID_INPUT", "last is -1; a page has 0 to 100 items."),
        (
            {"first": 1, "last": 1},
            "INVALID_INPUT",
            "first and after page forwards, last and before page backwards; they cannot be mixed.",
        ),
        ({"after": "garbage"}, "INVALID_CURSOR", "'garbage' is no cursor of this list in this order."),
        ({"after": "é"}, "INVALID_CURSOR", "'é' is no cursor of this list in this order."),
        ({"before": ""}, "INVALID_CURSOR", "'' is no cursor of this list in this order."),
    ],
)
async def test_what_cannot_be_paged_is_refused(api: Api, variables: dict[str, Any], code: str, message: str) -> None:
    answer = await api.ask(PAGE, **variables)
    assert (answer.data, answer.errors) == (None, [f"{code}: {message}"])


async def test_a_cursor_of_another_order_is_refused(api: Api) -> None:
    _, _, _, _, end = await page(api, first=1, order="NAME")
    answer = await api.ask(PAGE, first=1, after=end, order="NEWEST")
    assert answer.codes == ["INVALID_CURSOR"]


async def test_filters_hold_together() -> None:
    world = await makers.world("acme")
    other = await makers.world("other")
    await makers.instance(other)
    await makers.instance(world, "dev")
    await makers.instance(world, "prod", InstanceState.AWAITING)
    errored = await makers.instance(world, "old", InstanceState.ERRORED)
    api = Api(world.owner)

    async def names(**filter: Any) -> list[str]:
        data = await api.query(
            "query($f: InstanceFilter) { instances(filter: $f, order: NAME) { totalCount nodes { name } } }", f=filter
        )
        found = [node["name"] for node in data["instances"]["nodes"]]
        assert len(found) == data["instances"]["totalCount"]
        return found

    assert await names() == ["dev", "old", "prod"]
    assert await names(states=["OK", "ERRORED"]) == ["dev", "old"]
    assert await names(app=world.app.id, states=["AWAITING"]) == ["prod"]
    assert await names(environment=world.environment.id, cluster=world.cluster.id) == ["dev", "old", "prod"]
    assert await names(stack=world.stack.stack_id, outdated=False) == ["dev", "old", "prod"]
    assert await names(outdated=True) == []
    assert await names(organization=other.organization.id) == []
    await makers.stack(world.organization, "shop", (await makers.service(world.organization),))
    assert await names(outdated=True) == ["dev", "old", "prod"]
    tasks = await api.query(
        "query($i: ID) { tasks(filter: {instance: $i, ended: true, states: [FAILED]}) { totalCount } "
        "waiting: tasks(filter: {ended: false}) { totalCount } }",
        i=errored.id,
    )
    assert tasks == {"tasks": {"totalCount": 1}, "waiting": {"totalCount": 0}}


LISTS = """{
  apps { totalCount nodes { name instances { totalCount nodes { name } } tasks { totalCount } } }
  instances { totalCount nodes { name tasks { totalCount } } }
  tasks { totalCount nodes { instance { name } } }
  stacks { totalCount } services { totalCount } clusters { totalCount } environments { totalCount }
  viewer { organizations { totalCount } tokens { totalCount } } }"""


async def test_lists_and_counts_hide_what_belongs_to_another_tenant() -> None:
    world = await makers.world("acme")
    await makers.everything(world)
    alone = await Api(world.owner).query(LISTS)
    await makers.everything(await makers.world("other"))
    assert await Api(world.owner).query(LISTS) == alone
    assert alone["instances"] == {"totalCount": 1, "nodes": [{"name": "dev", "tasks": {"totalCount": 1}}]}


async def test_lists_and_counts_of_a_token_narrowed_to_an_instance_hide_the_rest() -> None:
    world = await makers.world("acme")
    await makers.everything(world)
    mine = await makers.instance(world, "mine")
    await makers.task(mine)
    data = await Api(await makers.viewer(world.organization, instance=mine)).query(LISTS)
    one, none = {"totalCount": 1}, {"totalCount": 0}
    assert data == {
        "apps": {**one, "nodes": [{"name": "shop", "instances": {**one, "nodes": [{"name": "mine"}]}, "tasks": one}]},
        "instances": {**one, "nodes": [{"name": "mine", "tasks": one}]},
        "tasks": {**one, "nodes": [{"instance": {"name": "mine"}}]},
        "stacks": none,
        "services": none,
        "clusters": none,
        "environments": none,
        "viewer": {"organizations": none, "tokens": one},
    }


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    statements: list[str] = []
    connection = get_connection("default")
    run = connection.execute_query

    async def execute(statement: str, values: list[Any] | None = None) -> Any:
        statements.append(statement)
        return await run(statement, values)

    monkeypatch.setattr(connection, "execute_query", execute)
    yield statements
    monkeypatch.undo()


RICH = """{ instances(first: 100) { totalCount nodes { name state outdated
  address { text } failure { summary task { id } }
  operations { name allowed blockedBy { task { id } } } holding { name } app { name stack { name outdated } }
  environment { name } cluster { name } stackRevision { number stack { name } services { outdated } }
  services { name replicas option runtime { stale } variables { name } serviceRevision { number options { version } } }
  tasks(first: 2) { totalCount nodes { title jobs { steps { title logs { nodes { message } } } } author { name } } }
  deployments { nodes { number task { operations { allowed } } } } } } }"""


async def test_the_number_of_statements_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await makers.world("acme", web={}, db={"type": "db"})
    api = Api(world.owner)

    async def add(number: int) -> None:
        app = await makers.app(world.organization, f"a{number}", world.stack)
        made = await makers.instance(world, f"i{number}", app=app)
        await makers.deployment(made)
        await makers.task(made, TaskState.IN_PROGRESS, author_id=world.owner.user_id)
        await makers.instance(world, f"e{number}", InstanceState.ERRORED)

    await add(0)
    await api.query(RICH)
    with counted(monkeypatch) as few:
        await api.query(RICH)
    for number in range(1, 12):
        await add(number)
    with counted(monkeypatch) as many:
        data = await api.query(RICH)
    assert len(data["instances"]["nodes"]) == 24
    assert (len(many), len(few)) == (32, 32), "\n".join(many)


async def test_only_what_is_selected_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await makers.world("acme")
    await makers.instance(world)
    with counted(monkeypatch) as statements:
        await Api(world.owner).query("{ viewer { id } }")
        assert statements == []
        await Api(world.owner).query("{ instances { nodes { name } } }")
        assert len(statements) == 1
        await Api(world.owner).query(
            "query($no: Boolean = false) { instances { nodes { name ... @include(if: $no) { app { name } } "
            "cluster @skip(if: true) { name } } totalCount @include(if: $no) } }"
        )
        assert len(statements) == 2
