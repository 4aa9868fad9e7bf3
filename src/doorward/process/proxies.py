"""Behind a reverse proxy: who asks is whom the proxy names, if it is one that the operator trusts."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_PEER: Final = "doorward.peer"


class BehindProxies:
    """An ASGI application whose clients are those that trusted proxies name (`X-Forwarded-For`, `X-Forwarded-Proto`).

    Of a chain the last address that is not a trusted proxy's: what stands before it anybody may have written. A name
    that is no IP address is not taken; then the client is the proxy itself.
    """

    def __init__(self, app: Any, trusted: Sequence[str]) -> None:
        self._app = app
        self._named = ProxyHeadersMiddleware(self._checked, list(trusted))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request."""
        peer = scope.get("client")
        if peer is not None:
            # A socket of both families has IPv4 addresses as ::ffff:192.0.2.1, which no IPv4 network contains.
            scope["client"] = scope[_PEER] = (_address(peer[0]) or peer[0], peer[1])
        await self._named(scope, receive, send)

    async def _checked(self, scope: Any, receive: Any, send: Any) -> None:
        client, peer = scope.get("client"), scope.get(_PEER)
        if client is not None and client != peer:
            found = _address(client[0])
            scope["client"] = peer if found is None else (found, client[1])
        await self._app(scope, receive, send)


def _address(text: str) -> str | None:
    """An IP address as it is usually written; None for anything else, and for one with a zone: that can be any text."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return None
        found = found.ipv4_mapped or found
    return str(found)
