"""How app services and clusters are, as the status writer of a worker writes it down from what clusters tell."""

from contextlib import aclosing
from functools import partial
from itertools import pairwise
from typing import Any

from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from kube import namespaces
from kube.labels import FIELD_MANAGER, INSTANCE, MANAGED_BY, SERVICE, WORKLOAD
from live import abandoned, process
from live.status import StatusWriter
from models import AbandonedNamespace, AppService, Cluster, Instance
from simulator.kinds import DEPLOYMENTS, NAMESPACES
from tests.kit import makers
from tests.kit.sandbox import Sandbox, kubeconfig
from tests.kit.waiting import until

RUNTIMES = """query($id: ID!) { node(id: $id) { ... on Instance {
  services { name runtime { ready desired reason stale } }
} } }"""
EVENTS = """subscription($id: ID!) { instanceEvents(id: $id) {
  __typename ... on RuntimeChanged { appServiceId ready desired reason }
} }"""


async def runtimes(sandbox: Sandbox, id: str) -> dict[str, tuple[Any, ...]]:
    """How each app service is, as the API shows it: ready, desired, reason, stale."""
    found = await sandbox.api.query(RUNTIMES, id=id)
    return {one["name"]: tuple(one["runtime"].values()) for one in found["node"]["services"]}


async def state(sandbox: Sandbox) -> str:
    return (await Cluster.get(id=sandbox.world.cluster.id)).state


async def test_what_runs_is_written_down(sandbox: Sandbox, writer: StatusWriter) -> None:
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})


async def test_why_something_does_not_run_is_written_down(sandbox: Sandbox, writer: StatusWriter) -> None:
    sandbox.simulator.behave(image="*worker*", pull="not found")
    created = await sandbox.create()
    well, ill = (1, 1, "", False), (0, 1, "ImagePullBackOff", False)
    await until(lambda: runtimes(sandbox, created), {"web": well, "worker": ill, "cache": well})


async def test_each_change_is_told_once_to_those_who_follow_the_instance(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})
    web = await AppService.get(instance_id=id, name="web")
    number = (await Instance.get(id=id)).seq
    async with aclosing(sandbox.api.follow(EVENTS, id=id)) as events:  # type: ignore[type-var]
        assert (await anext(events))["instanceEvents"] == {"__typename": "InstanceSnapshot"}
        await sandbox.api.change("setAppServiceReplicas", {"id": web.id, "replicas": 2}, "problems { code }")
        await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
        await sandbox.drain()
        await until(lambda: runtimes(sandbox, id), {"web": (2, 2, "", False), "worker": well, "cache": well})
        told: list[dict[str, Any]] = []
        while not told or told[-1] != {"appServiceId": web.id, "ready": 2, "desired": 2, "reason": ""}:
            event = (await anext(events))["instanceEvents"]
            if event.pop("__typename") == "RuntimeChanged":
                told.append(event)
    assert {event["appServiceId"] for event in told} == {web.id}
    assert all(before != after for before, after in pairwise(told))
    assert (await Instance.get(id=id)).seq > number


async def test_what_was_switched_off_has_no_numbers(sandbox: Sandbox, writer: StatusWriter) -> None:
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})
    worker = await AppService.get(instance_id=id, name="worker")
    await sandbox.api.change("setAppServiceEnabled", {"id": worker.id, "enabled": False}, "problems { code }")
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": (None, None, "", False), "cache": well})


async def test_a_cluster_says_how_well_it_is_reached(sandbox: Sandbox, writer: StatusWriter) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    sandbox.simulator.fault("status", code=401)
    sandbox.simulator.cut()
    await until(lambda: state(sandbox), "AUTH_FAILED")
    since = (await Cluster.get(id=sandbox.world.cluster.id)).state_since
    sandbox.simulator.clear_faults()
    await until(lambda: state(sandbox), "CONNECTED")
    assert (await Cluster.get(id=sandbox.world.cluster.id)).state_since > since


async def test_a_cluster_that_became_another_one_is_degraded(sandbox: Sandbox, writer: StatusWriter) -> None:
    await sandbox.create()
    await until(lambda: state(sandbox), "CONNECTED")
    sandbox.simulator.become_another()
    sandbox.simulator.fault("refuse", verb="list", times=1)
    sandbox.simulator.compact()
    sandbox.simulator.cut("expired")
    await until(lambda: state(sandbox), "DEGRADED")


async def test_an_instance_under_change_delays_no_other_and_is_written_when_it_is_free(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    held, free = await sandbox.create("held"), await sandbox.create("free")
    well = (1, 1, "", False)
    for id in (held, free):
        await until(partial(runtimes, sandbox, id), {"web": well, "worker": well, "cache": well})
    sandbox.simulator.behave(image="*", exit="1", after=0.0)
    async with in_transaction() as connection:
        await Instance.select_for_update().using_db(connection).get(id=held)
        await until(partial(web_is_ready, sandbox, free), False)
        assert await web_is_ready(sandbox, held)
    await until(partial(web_is_ready, sandbox, held), False)


async def web_is_ready(sandbox: Sandbox, id: str) -> bool:
    return bool((await runtimes(sandbox, id))["web"][0])


async def test_a_dead_cluster_slows_no_other(sandbox: Sandbox, writer: StatusWriter) -> None:
    dead = await makers.cluster(sandbox.world.organization, "dead")
    dead.kubeconfig = process.current().keyring.seal(kubeconfig("http://127.0.0.1:9"), dead.id)
    await dead.save(update_fields=["kubeconfig"])
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})

    async def shown() -> str:
        return (await Cluster.get(id=dead.id)).state

    await until(shown, "UNREACHABLE")


async def test_one_worker_writes_a_cluster_and_another_takes_over(
    sandbox: Sandbox, writer: StatusWriter, database_url: str
) -> None:
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})
    other = StatusWriter(process.current())
    other.open(database_url)
    try:
        web = await AppService.get(instance_id=id, name="web")
        await writer.close()
        await sandbox.api.change("setAppServiceReplicas", {"id": web.id, "replicas": 2}, "problems { code }")
        await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
        await sandbox.drain()
        await until(lambda: runtimes(sandbox, id), {"web": (2, 2, "", False), "worker": well, "cache": well})
    finally:
        await other.close()


async def test_a_writer_whose_session_is_cut_has_lost_its_pen_and_takes_it_again(
    sandbox: Sandbox, writer: StatusWriter
) -> None:
    id = await sandbox.create()
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})
    sessions = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'berth status'"
    connection = get_connection("default")
    [cut] = await connection.execute_query_dict(f"SELECT pg_terminate_backend(pid) AS done, pid {sessions}")
    assert cut["done"]
    web = await AppService.get(instance_id=id, name="web")
    await sandbox.api.change("setAppServiceReplicas", {"id": web.id, "replicas": 2}, "problems { code }")
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    await until(lambda: runtimes(sandbox, id), {"web": (2, 2, "", False), "worker": well, "cache": well})
    locks = "SELECT count(DISTINCT pid) AS holders FROM pg_locks WHERE locktype = 'advisory' AND pid IN (SELECT pid "

    async def holders() -> int:
        [held] = await connection.execute_query_dict(f"{locks} {sessions})")
        return int(held["holders"])

    await until(holders, 1)


async def test_a_cluster_speaks_for_its_own_instances_only(sandbox: Sandbox, writer: StatusWriter) -> None:
    """Another tenant's cluster may hold objects with any labels, such as those of an instance that is not on it."""
    victim = await makers.instance(await makers.world(), namespace="shop-dev")
    labels = {MANAGED_BY: FIELD_MANAGER, INSTANCE: victim.id, SERVICE: "web", WORKLOAD: "web"}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "x"}}, "template": template}
    sandbox.simulator.cluster.create(NAMESPACES, "", {"metadata": {"name": "shop-dev"}})
    lie = {"metadata": {"name": "web", "labels": labels}, "spec": spec}
    sandbox.simulator.cluster.create(DEPLOYMENTS, "shop-dev", lie)
    id = await sandbox.create("true")
    well = (1, 1, "", False)
    await until(lambda: runtimes(sandbox, id), {"web": well, "worker": well, "cache": well})
    assert await AppService.filter(instance_id=victim.id, observed_at__isnull=False).count() == 0


async def test_an_abandoned_namespace_is_asked_to_go_and_forgotten_when_it_is_gone(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    instance = await Instance.get(id=id)
    await AbandonedNamespace.create(
        organization_id=instance.organization_id,
        cluster_id=instance.cluster_id,
        cluster_uid=instance.cluster_uid,
        namespace=instance.namespace,
        namespace_uid=instance.namespace_uid,
        instance_id=id,
        task_id="tsk_gone",
    )
    client = await process.current().clusters.of(instance.cluster_id)

    async def rows() -> int:
        await abandoned.sweep(client, instance.cluster_id, instance.cluster_uid, process.current().installation)
        return await AbandonedNamespace.all().count()

    await until(rows, 0)
    assert await namespaces.uid(client, instance.namespace) is None
