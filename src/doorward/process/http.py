"""HTTP with bounds that the server library does not set: how long a head may be, and how long a request may take.

Without them a client that is nobody yet could fill the memory with header lines, or hold connections by sending slowly.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from doorward.link.frames import MOST_BYTES
from doorward.process.proxies import BehindProxies
from doorward.wire.context import ABORT

LONGEST_HEAD: Final = 64 * 1024
SLOWEST_REQUEST_S: Final = 60.0
LINGER_S: Final = 1.0
"""How long what a refused client still sends is read and dropped."""

LONGEST_GREETING: Final = 64 * 1024
"""What somebody who has not proven who they are may send in one message."""
_GREETINGS: Final = 2
"""So many messages it takes to prove it (link.handshake)."""
_CLOSED_WITHIN_S: Final = 5.0

_REASONS: Final = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
_CODES: Final = {400: "bad_request", 408: "request_timeout", 431: "request_header_fields_too_large"}


class BoundedHttp(HttpToolsProtocol):
    """One connection. What is refused here is answered in JSON, like every error."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._head = 0
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, unless the head has become too long."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_head and not self._refused and not self.transport.is_closing():
            self._head += len(data)
            if self._head > LONGEST_HEAD:
                self._refuse(431, "The request's header fields are too large")

    def on_message_begin(self) -> None:
        """A request begins: from now on it has its time."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[ABORT] = self.transport.abort
        self._in_head, self._head = True, 0
        self._stop_timer()
        self._timer = self.loop.call_later(SLOWEST_REQUEST_S, self._refuse, 408, "The request took too long to arrive")

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self._stop_timer()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection is no longer HTTP: it may last."""
        self._stop_timer()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the library's name for it
        """What is no HTTP."""
        self._refuse(400, "The request could not be understood")

    def _refuse(self, status: int, text: str) -> None:
        self._stop_timer()
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        body = json.dumps({"error": _CODES[status], "error_description": text}).encode()
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            % (status, _REASONS[status], len(body))
        )
        self.transport.write(head + body)
        self.transport.write_eof()
        # To close at once, with what the client has sent still unread, would reset the connection under the answer.
        self._timer = self.loop.call_later(LINGER_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One connection that carries messages: short ones at first; and gone for good soon after it is done with."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._taken = 0
        self.conn.max_message_size = LONGEST_GREETING

    def send_receive_event_to_app(self) -> None:
        """A whole message has come."""
        self._taken += 1
        if self._taken >= _GREETINGS:
            self.conn.max_message_size = self.config.ws_max_size
        super().send_receive_event_to_app()

    async def run_asgi(self) -> None:
        """Serve it. Whoever takes nothing any more must not keep the connection for ever."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(_CLOSED_WITHIN_S, self.transport.abort)


def configuration(app: Any, trusted_proxies: Sequence[str] = ()) -> uvicorn.Config:
    """How an application is served; proxies at these addresses and networks are believed for whom they ask."""
    return uvicorn.Config(
        BehindProxies(app, trusted_proxies) if trusted_proxies else app,
        # Left to itself the library believes whoever asks from this machine.
        proxy_headers=False,
        loop="none",
        http=BoundedHttp,
        ws=BoundedWebSocket,
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        # Both ends of the link say by themselves that they are there, sealed.
        ws_ping_interval=None,
        ws_ping_timeout=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
