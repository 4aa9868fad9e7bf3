"""The outermost layer of the API: request ids, paths as old clients write them, and a record of each request."""

import re
from collections.abc import Mapping
from secrets import token_hex
from time import perf_counter
from typing import Any, Final, cast

from litestar import HttpMethod, Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from doorward.api.access_log import AccessLog
from doorward.api.metrics import Metrics
from doorward.oauth.rates import Allowance
from doorward.wire.context import ALLOWANCE, REQUEST_ID, WITHOUT_CONTENT

_GIVEN: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_HEADER: Final = b"x-request-id"
_NO_STORE: Final = (b"cache-control", b"no-store")
"""Answers are about people and doors: no cache on the way keeps them."""


def allowed_methods(app: Litestar) -> dict[str, bytes]:
    """What `Allow` says, by path. The framework's own answer to OPTIONS knows a path's first router only."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            found.setdefault(route.path_format, set()).update(map(str, route.methods))
    return {path: ", ".join(sorted(methods)).encode() for path, methods in found.items()}


class Edge:
    """Wraps the application: `X-Request-Id` in and out, a trailing ".json" on an API path taken off, HEAD as GET."""

    def __init__(self, app: ASGIApp, allowed: Mapping[str, bytes], metrics: Metrics, log: AccessLog | None) -> None:
        self._app = app
        self._allowed = allowed
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if str(scope["type"]) != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _request_id(scope["headers"])
        # A copy: the server below looks into its own for the method, to leave out the content of an answer to HEAD.
        scope = cast(Scope, {**scope})
        seen = cast(dict[str, Any], scope)
        seen[REQUEST_ID] = request_id.decode()
        method = str(seen["method"])
        path = scope["path"]
        is_api = path.startswith(("/api/", "/oauth/", "/.well-known/"))
        if is_api and path.endswith(".json"):
            scope["path"] = path.removesuffix(".json")
            scope["raw_path"] = scope["raw_path"].removesuffix(b".json")
        if method == "HEAD":
            # RFC 9110, 9.3.2: the same answer without its content.
            seen["method"] = HttpMethod.GET
            seen[WITHOUT_CONTENT] = True
        status = 500
        length = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status, length
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (_HEADER, request_id)]
                if is_api:
                    headers.append(_NO_STORE)
                if method == "OPTIONS" and (allowed := self._allowed.get(seen.get("path_template", ""))):
                    headers = [*(each for each in headers if each[0].lower() != b"allow"), (b"allow", allowed)]
                message["headers"] = headers + _allowance(seen.get(ALLOWANCE))
            elif message["type"] == "http.response.body":
                length += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            took = perf_counter() - began
            handler = seen.get("route_handler")
            operation = "unknown" if handler is None or status in (404, 405) else handler.name or handler.handler_name
            self._metrics.observe(operation, method, status, took)
            if self._log is not None:
                self._log.request(seen, method, path, operation, status, took, length)


def _request_id(headers: Any) -> bytes:
    for name, value in headers:
        if name == _HEADER and _GIVEN.fullmatch(value):
            found: bytes = value
            return found
    return token_hex(12).encode()


def _allowance(found: Allowance | None) -> list[tuple[bytes, bytes]]:
    if found is None:
        return []
    return [
        (b"ratelimit-limit", b"%d" % found.limit),
        (b"ratelimit-remaining", b"%d" % found.remaining),
        (b"ratelimit-reset", b"%d" % found.reset),
    ]
