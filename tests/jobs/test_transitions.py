"""Every transition of the table, and that there are no others."""

import pytest
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from jobs.moves import lock, move
from models import Instance
from rules.enums import InstanceState, TaskState
from rules.transitions import TRANSITIONS, Change, ImpossibleChange
from tests.kit import makers

S, C = InstanceState, Change
FOLLOWS: dict[tuple[InstanceState, Change], str | None] = {
    (S.CREATING, C.PROVISIONED): "DEPLOYING",
    (S.CREATING, C.PROVISIONED_EMPTY): "AWAITING",
    (S.CREATING, C.CREATION_FAILED): "ERRORED",
    (S.CREATING, C.DELETE_ACCEPTED): "DELETING",
    (S.AWAITING, C.DEPLOY_ACCEPTED): "DEPLOYING",
    (S.AWAITING, C.DELETE_ACCEPTED): "DELETING",
    (S.DEPLOYING, C.DEPLOYED): "OK",
    (S.DEPLOYING, C.PARTLY_DEPLOYED): "AWAITING",
    (S.DEPLOYING, C.DEPLOY_FAILED): "AWAITING",
    (S.DEPLOYING, C.DELETE_ACCEPTED): "DELETING",
    (S.IMPORTING, C.IMPORT_ENDED): "OK",
    (S.IMPORTING, C.DELETE_ACCEPTED): "DELETING",
    (S.OK, C.DEPLOY_ACCEPTED): "DEPLOYING",
    (S.OK, C.IMPORT_ACCEPTED): "IMPORTING",
    (S.OK, C.DELETE_ACCEPTED): "DELETING",
    (S.ERRORED, C.DELETE_ACCEPTED): "DELETING",
    (S.DELETING, C.CLEANUP_FAILED): "ERRORED",
    (S.DELETING, C.GONE): None,
}


async def moved(instance: Instance, change: Change, task: str) -> None:
    async with in_transaction() as connection:
        await move(connection, await lock(connection, instance.id), change, task)


@pytest.mark.parametrize("change", list(Change))
async def test_a_change_leads_where_the_table_says_or_nowhere(opened_database: str, change: Change) -> None:
    world = await makers.world()
    for state in InstanceState:
        instance = await makers.instance(world, f"in-{state.lower()}", state=state)
        task = await makers.task(instance, TaskState.FAILED)
        if (state, change) in FOLLOWS:
            await moved(instance, change, task.id)
            await check(instance.id, state, FOLLOWS[state, change], task.id)
        else:
            with pytest.raises(ImpossibleChange):
                await moved(instance, change, task.id)
            assert (await Instance.get(id=instance.id)).state == state


async def check(id: str, before: InstanceState, follows: str | None, task: str) -> None:
    """The row and its one event say what followed."""
    row = await Instance.get(id=id)
    events = await get_connection("default").execute_query_dict(
        "SELECT kind, data->>'state' AS state, data->>'before' AS before FROM event WHERE subject = $1", [id]
    )
    if follows is None:
        assert row.deleted_at is not None
        assert events == [{"kind": "GONE", "state": None, "before": "DELETING"}]
    else:
        assert (row.state, row.deleted_at) == (follows, None)
        assert events == [{"kind": "STATE", "state": follows, "before": before.value}]
    assert row.failed_task_id == (task if follows == "ERRORED" else None)


@pytest.mark.parametrize("before", [InstanceState.AWAITING, InstanceState.OK])
async def test_a_deployment_that_fails_leads_back_to_the_state_before_it(
    opened_database: str, before: InstanceState
) -> None:
    instance = await makers.instance(await makers.world(), state=before)
    await moved(instance, Change.DEPLOY_ACCEPTED, "")
    await moved(instance, Change.DEPLOY_FAILED, "")
    assert (await Instance.get(id=instance.id)).state == before


def test_the_table_holds_what_is_walked_here_and_no_more() -> None:
    assert TRANSITIONS.keys() == FOLLOWS.keys()
