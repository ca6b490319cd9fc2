"""What machines ask: alive, ready, and the numbers."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from resolvers.figures import Figures, figures
from rules.enums import InstanceState, TaskState
from tests.kit import makers
from tests.transport.serving import served
from transport.health import Check, Readiness, healthz
from transport.metrics import metrics
from transport.shutdown import Shutdown


async def works() -> None:
    pass


async def breaks() -> None:
    raise ConnectionError("postgres at 10.0.0.7 refused")


async def hangs() -> None:
    await asyncio.Event().wait()


async def ask(checks: Mapping[str, Check], shutdown: Shutdown | None = None) -> tuple[int, object]:
    readiness = Readiness(checks, shutdown or Shutdown(), patience=0.01)
    app = Starlette(routes=[Route("/readyz", readiness.answer), Route("/healthz", healthz)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as client:
        alive = await client.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
        answer = await client.get("/readyz")
        return answer.status_code, answer.json()


async def test_ready_means_that_every_check_passes() -> None:
    found = await ask({"database": works, "queue": works})
    assert found == (200, {"status": "ok", "checks": {"database": "ok", "queue": "ok"}})


@pytest.mark.parametrize("check", [breaks, hangs])
async def test_not_ready_names_what_failed_and_no_reason(check: Check) -> None:
    found = await ask({"database": works, "migrations": check})
    assert found == (503, {"status": "failed", "checks": {"database": "ok", "migrations": "failed"}})


async def test_a_process_about_to_end_is_not_ready() -> None:
    shutdown = Shutdown()
    shutdown.begin()
    assert await ask({"database": works}, shutdown) == (503, {"status": "stopping"})


def value(text: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)


async def nothing() -> Figures:
    return Figures({}, {}, {}, {}, 0, 0, 0.0)


async def test_metrics_count_operations_by_type_and_outcome() -> None:
    made = served()
    made.app.router.routes.append(Route("/metrics", metrics(nothing)))
    names = [
        'berth_graphql_operations_total{outcome="ok",type="query"}',
        'berth_graphql_operations_total{outcome="errors",type="query"}',
        'berth_graphql_operations_total{outcome="internal",type="query"}',
        'berth_graphql_operations_total{outcome="refused",type="unknown"}',
        'berth_graphql_duration_seconds_count{type="query"}',
        'berth_http_requests_total{method="POST",status="200"}',
    ]
    async with made.client() as client:
        before = (await client.get("/metrics")).text
        for query in ("{ viewer }", '{ node(id: "x") { id } }', "{ bug }", "{ nope }"):
            await client.post("/graphql", json={"query": query})
        after = (await client.get("/metrics")).text
    assert [value(after, name) - value(before, name) for name in names] == [1, 1, 1, 1, 3, 4]
    assert (value(after, "berth_websockets_open"), value(after, "berth_subscriptions_open")) == (0, 0)


async def test_metrics_tell_how_the_installation_is(opened_database: str) -> None:
    world = await makers.world()
    instance = await makers.instance(world)
    await makers.instance(world, "broken", InstanceState.ERRORED)
    await makers.task(instance, TaskState.QUEUED)
    await makers.cluster(world.organization, "away", breaker="OPEN")
    app = Starlette(routes=[Route("/metrics", metrics(figures))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as client:
        text = (await client.get("/metrics")).text
    names = [
        "berth_database_up",
        'berth_tasks{state="QUEUED"}',
        'berth_tasks{state="IN_PROGRESS"}',
        'berth_instances{state="OK"}',
        'berth_instances{state="ERRORED"}',
        'berth_clusters{state="CONNECTED"}',
        'berth_cluster_breakers{state="CLOSED"}',
        'berth_cluster_breakers{state="OPEN"}',
        "berth_abandoned_namespaces",
        "berth_workers_busy",
    ]
    assert [value(text, name) for name in names] == [1, 1, 0, 1, 1, 2, 1, 1, 0, 0]
    assert value(text, "berth_task_waiting_seconds") > 0


async def test_metrics_are_told_without_the_database() -> None:
    async def away() -> Figures:
        raise ConnectionRefusedError

    app = Starlette(routes=[Route("/metrics", metrics(away))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, value(answer.text, "berth_database_up")) == (200, 0)
