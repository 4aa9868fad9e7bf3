"""What a Prometheus server scrapes from /metrics."""

from math import nan
from secrets import compare_digest
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import doorward
from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.kit.errors import NotFound
from doorward.webhooks import queue
from doorward.wire.context import client_address, context_of
from doorward.wire.docs import Docs, Other

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_THIS_MACHINE: Final = ("127.0.0.1", "::1")
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


class Metrics:
    """The counters of one application; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge("doorward_build_info", "The running version.", ["version"], registry=self.registry).labels(
            doorward.__version__
        ).set(1)
        self._requests = Counter(
            "doorward_http_requests",
            "Requests answered, by operation, method and status.",
            ["operation", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "doorward_http_request_seconds",
            "Time from a request's head to the end of its answer, by operation.",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._deliveries = Counter(
            "doorward_deliveries",
            "Deliveries that this process has tried to make, by outcome: delivered, failed, gone.",
            ["outcome"],
            registry=self.registry,
        )
        self._waiting = Gauge(
            "doorward_deliveries_waiting", "Deliveries that have not come to an end.", registry=self.registry
        )
        self._overdue = Gauge(
            "doorward_deliveries_overdue_seconds",
            "For how long the next delivery has been due; 0 while none is.",
            registry=self.registry,
        )
        self._oldest = Gauge(
            "doorward_deliveries_oldest_seconds",
            "The age of the oldest delivery that has not come to an end; 0 if there is none.",
            registry=self.registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def observe(self, operation: str, method: str, status: int, took: float) -> None:
        """Count one request; `took` in seconds."""
        key = (operation, method, status)
        found = self._known.get(key)
        if found is None:
            if method not in _METHODS:
                method = "OTHER"
            found = (self._requests.labels(operation, method, str(status)), self._seconds.labels(operation))
            if len(self._known) < _MOST_KNOWN:
                self._known[key] = found
        found[0].inc()
        found[1].observe(took)

    def observe_deliveries(self, outcome: str, number: int) -> None:
        """Count deliveries that were tried."""
        self._deliveries.labels(outcome).inc(number)

    def set_queue(self, waiting: float, due_at: int | None, created_at: int | None, now: int) -> None:
        """How many deliveries wait, when the next is due, since when the oldest is there; milliseconds UTC."""
        self._waiting.set(waiting)
        self._overdue.set(0 if due_at is None else max(0, now - due_at) / 1000)
        self._oldest.set(0 if created_at is None else max(0, now - created_at) / 1000)


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MOST_KNOWN: Final = 5000


@get(
    "/metrics",
    name="metrics",
    public=True,
    sync_to_thread=True,
    docs=Docs(
        "Metrics in the Prometheus text format",
        {200: Other("text/plain")},
        errors=(404,),
        ours=True,
        tag="operations",
        description="For this machine only, unless DOORWARD_METRICS_TOKEN is set: then for whoever sends it as bearer "
        "token. Anybody else gets a 404.",
    ),
)
def metrics(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The metrics, to whom they are for."""
    if not _may_scrape(request):
        raise NotFound
    found: Metrics = request.app.state.metrics
    context = context_of(request)
    try:
        found.set_queue(*context.database.read_now(queue.length), context.clock.now())
    except DatabaseUnavailable:
        found.set_queue(nan, None, None, context.clock.now())
    # The framework adds a charset to a media type of text; two of them are one too many.
    media_type = CONTENT_TYPE_LATEST.replace("; charset=utf-8", "")
    return ASGIResponse(body=generate_latest(found.registry), media_type=media_type)


def _may_scrape(request: Request[Any, Any, Any]) -> bool:
    token = context_of(request).edge.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    # Whoever comes through a proxy is not on this machine, although the proxy may be.
    forwarded = any(name in request.headers for name in _FORWARDED)
    return not forwarded and client_address(request) in _THIS_MACHINE
