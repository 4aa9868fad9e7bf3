"""What a Prometheus server scrapes from /metrics."""

from secrets import compare_digest
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import doorward
from doorward.kit.errors import NotFound
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
