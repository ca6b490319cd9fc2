"""Tasks as they are read: their jobs, steps, log lines, failure, and what may be done to them."""

from typing import Any

import pytest
from tortoise.connection import get_connection

from models import Step
from rules.enums import InstanceState, Role, Scope, TaskState
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")


async def one(api: Api, id: str, selection: str) -> Any:
    data = await api.query(f"query($id: ID!) {{ node(id: $id) {{ ... on Task {{ {selection} }} }} }}", id=id)
    return data["node"]


async def operations(api: Api, id: str) -> dict[str, Any]:
    asked = "operations { name allowed blockedBy { code retryable task { id } } }"
    return {item["name"]: item["blockedBy"] for item in (await one(api, id, asked))["operations"]}


async def test_a_task_shows_its_jobs_and_steps_in_order_with_their_lines_by_pages() -> None:
    world = await makers.world("acme")
    task = await makers.task(await makers.instance(world), author_id=world.owner.user_id)
    step = await Step.get(task_id=task.id, name="prepare")
    await get_connection("default").execute_query(
        "INSERT INTO log_line (step_id, number, level, message) "
        "SELECT $1, n, CASE n WHEN 3 THEN 'ERROR' ELSE 'INFO' END, 'line ' || n FROM generate_series(1, 3) n",
        [step.id],
    )
    api = Api(world.owner)
    asked = """author { id } jobs { name title after state steps { title state message
        logs(first: 2) { totalCount nodes { number level message } pageInfo { hasNextPage endCursor } } } }"""
    shown = await one(api, task.id, asked)
    [job] = shown["jobs"]
    prepare, finish = job.pop("steps")
    assert shown["author"] == {"id": world.owner.user_id}
    assert job == {"name": "main", "title": "Main", "after": [], "state": "PENDING"}
    after = prepare["logs"]["pageInfo"].pop("endCursor")
    lines = [{"number": number, "level": "INFO", "message": f"line {number}"} for number in (1, 2)]
    said = {"totalCount": 3, "nodes": lines, "pageInfo": {"hasNextPage": True}}
    assert prepare == {"title": "Prepare", "state": "PENDING", "message": "", "logs": said}
    assert finish["logs"]["totalCount"] == 0
    rest = await api.query(
        """query($id: ID!, $after: String) { node(id: $id) {
             ... on Step { logs(after: $after) { nodes { level message } } } } }""",
        id=step.id,
        after=after,
    )
    assert rest == {"node": {"logs": {"nodes": [{"level": "ERROR", "message": "line 3"}]}}}


async def test_a_failed_task_says_why() -> None:
    world = await makers.world("acme")
    task = await makers.task(await makers.instance(world), TaskState.FAILED, warnings=["Slow."])
    shown = await one(
        Api(world.owner), task.id, "warnings failure { code summary rootCause step evidence suggestedActions }"
    )
    assert shown == {"warnings": ["Slow."], "failure": makers.FAILURE}


@pytest.mark.parametrize("state", TaskState)
async def test_what_may_be_done_follows_from_the_tasks_state(state: TaskState) -> None:
    world = await makers.world("acme")
    task = await makers.task(await makers.instance(world), state, "DEPLOY_INSTANCE")
    ended = {"code": "TASK_ENDED", "retryable": False, "task": None}
    running = {"code": "TASK_RUNNING", "retryable": True, "task": None}
    active = state in {"PENDING", "QUEUED", "IN_PROGRESS", "BACKED_OFF", "CANCELING"}
    assert await operations(Api(world.owner), task.id) == {
        "CANCEL": None if active or state is TaskState.CANCELED else ended,
        "REPEAT": running if active else None,
    }


async def test_a_repeat_is_judged_as_the_operation_that_it_repeats() -> None:
    world = await makers.world("acme")
    instance = await makers.instance(world, state=InstanceState.CREATING)
    creation = await makers.task(instance, TaskState.IN_PROGRESS, "CREATE_INSTANCE")
    before = await makers.task(instance, TaskState.FAILED, "DEPLOY_INSTANCE")
    api = Api(world.owner)
    later = {"code": "OPERATION_BLOCKED", "retryable": True, "task": {"id": creation.id}}
    assert (await operations(api, before.id))["REPEAT"] == later
    assert (await operations(api, creation.id))["REPEAT"]["code"] == "TASK_NOT_REPEATABLE"


@pytest.mark.parametrize(("role", "scope"), [(Role.READER, Scope.ADMIN), (Role.OWNER, Scope.READ)])
async def test_who_may_only_look_can_do_nothing(role: Role, scope: Scope) -> None:
    world = await makers.world("acme")
    task = await makers.task(await makers.instance(world), TaskState.FAILED, "DEPLOY_INSTANCE")
    viewer = await makers.viewer(world.organization, role=role, scope=scope)
    forbidden = {"code": "FORBIDDEN", "retryable": False, "task": None}
    assert await operations(Api(viewer), task.id) == {"CANCEL": forbidden, "REPEAT": forbidden}
