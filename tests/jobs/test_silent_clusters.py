"""Clusters that do not answer: their tasks wait without a worker's place, go on by themselves, and harm no other."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from tortoise.connection import get_connection

from kube import clients
from live import process
from models import Cluster, Task
from rules.enums import BreakerState
from tests.kit import makers
from tests.kit.chosen import Choose
from tests.kit.impostors import Server, silent
from tests.kit.sandbox import Sandbox, attach, kubeconfig, working
from tests.kit.waiting import until

STARTED = "instance { id } task { id } problems { code message }"
TASK = """query($id: ID!) { node(id: $id) { ... on Task {
  state failure { code summary rootCause step suggestedActions } jobs { steps { state message } }
} } }"""


@pytest.fixture(autouse=True)
def chosen(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A worker of four places that looks often."""
    choose(worker_tasks=4, sweep=0.05, breaker_first=0.05, breaker_most=0.2)
    return monkeypatch


@pytest.fixture
async def nobody() -> AsyncIterator[Server]:
    async with silent() as listening:
        yield listening


@pytest.fixture
async def dead(sandbox: Sandbox, nobody: Server) -> Cluster:
    """A second cluster of the sandbox's world, which never answers."""
    made = await makers.cluster(sandbox.world.organization, "dead")
    await lead(made, nobody.url)
    return made


async def lead(cluster: Cluster, url: str) -> None:
    """Makes a cluster's row reach another address, whoever answers there."""
    cluster.kubeconfig = process.current().keyring.seal(kubeconfig(url), cluster.id)
    cluster.version += 1
    await cluster.save(update_fields=["kubeconfig", "version"])


async def start(sandbox: Sandbox, name: str, cluster: Cluster) -> tuple[str, str]:
    """Starts the creation of an instance; its id and the task's."""
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance(name, clusterId=cluster.id)}
    made = await sandbox.api.change("createInstance", given, STARTED)
    assert made["problems"] == []
    return made["instance"]["id"], made["task"]["id"]


async def is_in(sandbox: Sandbox, id: str, state: str | None) -> bool:
    return await sandbox.state(id) == state


async def state_of(task: str) -> str:
    return (await Task.get(id=task)).state


async def standing(cluster: Cluster) -> set[tuple[str, bool]]:
    """In which states the cluster's tasks are, and whether a worker holds them."""
    rows = await Task.filter(cluster_id=cluster.id, ended_at=None).only("state", "lease_token")
    return {(row.state, row.lease_token is not None) for row in rows}


async def breaker_of(cluster: Cluster) -> BreakerState:
    return process.current().clusters.standing(cluster.id).state


async def shown(sandbox: Sandbox, task: str) -> Any:
    return (await sandbox.api.query(TASK, id=task))["node"]


async def test_tasks_of_a_dead_cluster_leave_room_for_those_of_others(
    sandbox: Sandbox, dead: Cluster, nobody: Server, opened_database: str, chosen: pytest.MonkeyPatch
) -> None:
    """No request to the dead one is given up before the other cluster's instance is there."""
    chosen.setattr(clients, "KNOCK_TIMEOUT", 60.0)
    for number in range(8):
        await start(sandbox, f"dead-{number}", dead)
    async with working(opened_database) as runner:
        await nobody.has_been_asked()
        id, _ = await start(sandbox, "alive", sandbox.world.cluster)
        await until(partial(is_in, sandbox, id, "OK"), True)
        assert len(runner.running) == 2
        assert await standing(dead) == {("QUEUED", False), ("IN_PROGRESS", True)}


async def test_tasks_of_a_dead_cluster_give_their_places_back_and_go_on_when_it_answers(
    sandbox: Sandbox, dead: Cluster, nobody: Server, opened_database: str, chosen: pytest.MonkeyPatch
) -> None:
    chosen.setattr(clients, "KNOCK_TIMEOUT", 0.2)
    started = [await start(sandbox, f"dead-{number}", dead) for number in range(8)]
    async with working(opened_database) as runner:
        await until(lambda: standing(dead), {("BACKED_OFF", False)})
        task = await shown(sandbox, started[0][1])
        assert task["jobs"][0]["steps"][0]["message"].startswith("waiting for the cluster, which has not answered")
        await sandbox.create("alive")

        await attach(dead, sandbox.simulator.url)
        await get_connection("default").execute_query(
            "UPDATE instance SET cluster_uid = $2 WHERE cluster_id = $1", [dead.id, dead.uid]
        )
        for id, _ in started:
            await until(partial(is_in, sandbox, id, "OK"), True)
        await runner.idle()


async def test_what_follows_a_task_hears_of_a_silence_once_and_not_of_every_try(
    sandbox: Sandbox, dead: Cluster, nobody: Server, opened_database: str, chosen: pytest.MonkeyPatch
) -> None:
    chosen.setattr(clients, "KNOCK_TIMEOUT", 0.2)
    _, task = await start(sandbox, "dead", dead)
    async with working(opened_database):
        await until(lambda: standing(dead), {("BACKED_OFF", False)})
        number, asked = (await Task.get(id=task)).seq, nobody.asked

        async def tries() -> bool:
            return nobody.asked >= asked + 3

        await until(tries, True)
        assert (await Task.get(id=task)).seq == number
    states = await get_connection("default").execute_query_dict(
        "SELECT data->>'state' AS state FROM event WHERE subject = $1 AND kind = 'TASK' ORDER BY number", [task]
    )
    assert [row["state"] for row in states] == ["QUEUED", "BACKED_OFF"]


async def test_a_task_that_waits_for_a_dead_cluster_ends_at_its_deadline(
    sandbox: Sandbox, dead: Cluster, opened_database: str, choose: Choose, chosen: pytest.MonkeyPatch
) -> None:
    chosen.setattr(clients, "KNOCK_TIMEOUT", 0.2)
    choose(create_deadline=1.5)
    id, task = await start(sandbox, "dead", dead)
    async with working(opened_database):
        await until(partial(is_in, sandbox, id, "ERRORED"), True)
    ended = await shown(sandbox, task)
    assert (ended["state"], ended["failure"]["code"]) == ("TIMED_OUT", "CLUSTER_UNAVAILABLE")
    assert ended["failure"]["summary"] == "The cluster did not answer before the deadline."
    assert ended["failure"]["rootCause"].startswith("The cluster did not answer in time")
    assert ended["failure"]["step"] == "Check the cluster"
    assert ended["failure"]["suggestedActions"] != []


async def test_a_task_that_waits_for_a_dead_cluster_is_cancelled_at_once(
    sandbox: Sandbox, dead: Cluster, opened_database: str, choose: Choose, chosen: pytest.MonkeyPatch
) -> None:
    chosen.setattr(clients, "KNOCK_TIMEOUT", 0.2)
    choose(breaker_first=60, breaker_most=60)
    _, task = await start(sandbox, "dead", dead)
    async with working(opened_database):
        await until(lambda: standing(dead), {("BACKED_OFF", False)})
        await sandbox.api.change("cancelTask", {"id": task}, "problems { code }")
        await until(partial(state_of, task), "CANCELED")


async def test_a_deletion_that_waits_when_its_cluster_dies_goes_on_where_it_stood(
    sandbox: Sandbox, opened_database: str, chosen: pytest.MonkeyPatch
) -> None:
    id = await sandbox.create()
    sandbox.simulator.fault("hold", path="services/*")
    service = {"metadata": {"name": "held"}, "spec": {"ports": [{"port": 80}]}}
    await (await sandbox.client()).request("POST", "/api/v1/namespaces/shop-dev/services", body=service)
    deleted = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    async with working(opened_database):

        async def steps() -> list[str]:
            jobs = (await shown(sandbox, deleted["task"]["id"]))["jobs"]
            return [step["state"] for step in jobs[0]["steps"]]

        await until(steps, ["DONE", "IN_PROGRESS"])
        sandbox.simulator.fault("refuse")
        sandbox.simulator.cut()
        await until(lambda: standing(sandbox.world.cluster), {("BACKED_OFF", False)})
        assert await steps() == ["DONE", "IN_PROGRESS"]
        sandbox.simulator.clear_faults()
        await until(lambda: breaker_of(sandbox.world.cluster), BreakerState.CLOSED)
        await sandbox.let_go("shop-dev")
        await until(partial(is_in, sandbox, id, None), True)
    assert (await Task.get(id=deleted["task"]["id"])).state == "DONE"
