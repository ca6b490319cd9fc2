"""What this process has done and holds open, for Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from tortoise.exceptions import BaseORMException

from models.postgres import AWAY
from resolvers.figures import Figures
from rules.enums import ENDED_TASKS, BreakerState, ClusterState, InstanceState, TaskState

_PATIENCE = 2.0
"""Seconds that the database may take to answer."""

OPERATIONS = Counter("berth_graphql_operations", "GraphQL operations that ended.", ["type", "outcome"])
DURATIONS = Histogram(
    "berth_graphql_duration_seconds",
    "Time from a parsed request to its answer; subscriptions are not in it.",
    ["type"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EVENTS = Counter("berth_graphql_events", "Events sent to subscribers.")
SHARED = Counter("berth_graphql_events_shared", "Of these, those whose answer had been made for another subscriber.")
WEBSOCKETS = Gauge("berth_websockets_open", "Websocket connections open now.")
STREAMS = Gauge("berth_subscriptions_open", "Subscriptions open now, over websockets and server-sent events.")
REQUESTS = Counter("berth_http_requests", "HTTP requests answered.", ["method", "status"])


TASKS = Gauge("berth_tasks", "Tasks of the installation that have not ended.", ["state"])
INSTANCES = Gauge("berth_instances", "Instances of the installation.", ["state"])
CLUSTERS = Gauge("berth_clusters", "Clusters of the installation.", ["state"])
BREAKERS = Gauge(
    "berth_cluster_breakers", "Clusters by the state of their breaker: all but CLOSED are left alone.", ["state"]
)
ABANDONED = Gauge("berth_abandoned_namespaces", "Namespaces that forced deletions left on clusters.")
WORKERS = Gauge("berth_workers_busy", "Workers that hold tasks now.")
WAITING = Gauge("berth_task_waiting_seconds", "How long the oldest task that could run has found no worker.")
DATABASE = Gauge(
    "berth_database_up", "Whether the database answered; the figures of the installation stand still without it."
)


def metrics(read: Callable[[], Awaitable[Figures]]) -> Callable[[Request], Awaitable[Response]]:
    """`GET /metrics` in Prometheus' text format: of this process, and, as the database says, of the installation."""

    async def answer(_request: Request) -> Response:
        try:
            async with asyncio.timeout(_PATIENCE):
                _show(await read())
        except (*AWAY, BaseORMException, TimeoutError):
            DATABASE.set(0)
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    return answer


def _show(figures: Figures) -> None:
    DATABASE.set(1)
    for gauge, counts, states in (
        (TASKS, figures.tasks, set(TaskState) - ENDED_TASKS),
        (INSTANCES, figures.instances, set(InstanceState)),
        (CLUSTERS, figures.clusters, set(ClusterState)),
        (BREAKERS, figures.breakers, set(BreakerState)),
    ):
        for state in states:
            gauge.labels(state.value).set(counts.get(state.value, 0))
    ABANDONED.set(figures.abandoned)
    WORKERS.set(figures.workers)
    WAITING.set(figures.waiting)
