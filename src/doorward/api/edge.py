"""The outermost layer of the API: request ids, and paths as old clients write them."""

import re
from secrets import token_hex
from typing import Any, Final, cast

from litestar import HttpMethod
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from doorward.wire.context import ALLOWANCE, REQUEST_ID

_GIVEN: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_HEADER: Final = b"x-request-id"
_NO_STORE: Final = (b"cache-control", b"no-store")
"""Answers are about people and doors: no cache on the way keeps them."""


def edge(app: ASGIApp) -> ASGIApp:
    """Wrap the application: `X-Request-Id` in and out, and a trailing ".json" on an API path taken off."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await app(scope, receive, send)
            return
        request_id = b""
        for name, value in scope["headers"]:
            if name == _HEADER and _GIVEN.fullmatch(value):
                request_id = value
                break
        request_id = request_id or token_hex(12).encode()
        cast(dict[str, Any], scope)[REQUEST_ID] = request_id.decode()
        path = scope["path"]
        if path.startswith("/api/") and path.endswith(".json"):
            scope["path"] = path.removesuffix(".json")
            scope["raw_path"] = scope["raw_path"].removesuffix(b".json")

        if str(cast(dict[str, Any], scope)["method"]) == "HEAD":
            # RFC 9110, 9.3.2: the same answer without its content, which the server below leaves out by itself.
            scope = cast(Scope, {**scope, "method": HttpMethod.GET})
        is_api = path.startswith(("/api/", "/oauth/"))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (_HEADER, request_id)]
                if is_api:
                    headers.append(_NO_STORE)
                allowance = cast(dict[str, Any], scope).get(ALLOWANCE)
                if allowance is not None:
                    headers += [
                        (b"ratelimit-limit", b"%d" % allowance.limit),
                        (b"ratelimit-remaining", b"%d" % allowance.remaining),
                        (b"ratelimit-reset", b"%d" % allowance.reset),
                    ]
                message["headers"] = headers
            await send(message)

        await app(scope, receive, send_with_id)

    return wrapped
