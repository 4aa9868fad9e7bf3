"""Forms are taken from our own pages only: each brings back a token that no other site can know."""

import hmac
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from litestar import Request

from doorward.kit.crypto import Vault
from doorward.kit.errors import Forbidden
from doorward.wire.context import context_of

_CONTEXT: Final = "csrf"
_EXPIRED: Final = "The page is out of date, or the request did not come from it. Go back, load it again and try again."
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class _HasToken(Protocol):
    @property
    def csrf_token(self) -> str: ...


def token_of(vault: Vault, cookie: str) -> str:
    """The token of whoever has the cookie: a keyed digest of it, so that nothing needs to be kept."""
    return vault.blind_index(_CONTEXT, cookie)


def check(session: _HasToken, submitted: str, request: Request[Any, Any, Any]) -> None:
    """Raise Forbidden unless the form brought the session's token and the browser says that it came from here."""
    check_token(session.csrf_token, submitted, request)


def check_token(expected: str, submitted: str, request: Request[Any, Any, Any]) -> None:
    """The same for a token that is not a session's."""
    right = hmac.compare_digest(expected.encode(), submitted.encode("utf-8", "surrogatepass"))
    if not right or not _is_ours(request):
        raise Forbidden(_EXPIRED)


def _is_ours(request: Request[Any, Any, Any]) -> bool:
    """What the browser says of where the form came from; one that says nothing has only the token to show."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    configured = context_of(request).edge.public_url
    # Behind a proxy that does not say so, the scheme that arrives here is not the browser's: the host has to do.
    here = _host(configured) if configured else _host(f"{urlsplit(origin).scheme}://{request.headers.get('host', '')}")
    return _host(origin) == here is not None


def _host(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or port is None:
        return None
    return parts.hostname, port
