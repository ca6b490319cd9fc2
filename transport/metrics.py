"""What this process has done and holds open, for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

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


async def metrics(_request: Request) -> Response:
    """`GET /metrics` in Prometheus' text format."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
