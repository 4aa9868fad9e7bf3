"""One JSON object a line for each request, on standard error, beside what else the server has to say.

Lines are gathered and written ten times a second: a request pays for building its line only. Queries are left out, for
they can hold what is nobody's business (an e-mail address, a code).
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from msgspec import Struct, json

from doorward.wire.context import PRINCIPAL, REQUEST_ID

_EVERY_S: Final = 0.1
_MOST_WAITING: Final = 1000


class Line(Struct, frozen=True, omit_defaults=True):
    """What is said of a request. `ms` is how long the answer took, `bytes` how much of it was sent before encoding."""

    event: str
    level: str
    timestamp: str
    method: str
    path: str
    operation: str
    status: int
    ms: float
    bytes: int
    request_id: str
    address: str
    account_id: int | None = None
    application_id: int | None = None
    user_id: int | None = None


class AccessLog:
    """Writes a line for each request. Used from one event loop."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def request(
        self,
        scope: Mapping[str, Any],
        method: str,
        path: str,
        operation: str,
        status: int,
        took: float,
        length: int,
    ) -> None:
        """Note one request that has been answered; `took` in seconds."""
        handler = scope.get("route_handler")
        if handler is not None and handler.opt.get("hidden"):
            path = scope.get("path_template") or path  # the address of a photo is all that one needs to see it
        principal = scope.get(PRINCIPAL)
        client = scope.get("client")
        line = Line(
            "request",
            "info" if status < 500 else "error",
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            method,
            path[:500],
            operation,
            status,
            round(took * 1000, 2),
            length,
            scope.get(REQUEST_ID, ""),
            client[0] if client else "",
            getattr(principal, "account_id", None),
            getattr(principal, "application_id", None),
            getattr(principal, "user_id", None),
        )
        self._waiting.append(json.encode(line))
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_EVERY_S, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text = b"\n".join(self._waiting).decode() + "\n"
            self._waiting.clear()
            stream = self._stream or sys.stderr
            stream.write(text)
            stream.flush()
