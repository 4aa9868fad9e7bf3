"""The route that controllers connect to. It carries frames; who is at the other end, the hub finds out."""

from typing import Any

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from doorward.controllers.hub import Hub
from doorward.controllers.wire import WireClosed
from doorward.wire.context import client_address

_TRY_AGAIN = 1013  # RFC 6455, 11.7: "Try Again Later"


class WebSocketWire:
    """See wire.Wire."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        """The next frame; empty, which no frame is, for text. Raises WireClosed."""
        try:
            return await self._socket.receive_data(mode="binary")
        except WebSocketDisconnect:
            raise WireClosed("the other end has closed the connection") from None

    async def send(self, frame: bytes) -> None:
        """Send a frame. Raises WireClosed."""
        try:
            await self._socket.send_data(frame, mode="binary")
        except (WebSocketDisconnect, OSError, RuntimeError):  # the server's library says it in several ways
            raise WireClosed("the connection is closed") from None

    async def close(self) -> None:
        """End the connection. Raises WireClosed."""
        try:
            await self._socket.close()
        except (WebSocketDisconnect, OSError, RuntimeError):
            raise WireClosed("the connection is closed") from None


@websocket("/api/3/controllers/link", public=True, hidden=True)
async def link(socket: WebSocket[Any, Any, Any]) -> None:
    """Carry the link of one controller."""
    hub: Hub | None = socket.app.state.get("hub")
    if hub is None:
        await socket.close(_TRY_AGAIN)
        return
    await socket.accept()
    await hub.serve(WebSocketWire(socket), client_address(socket))
