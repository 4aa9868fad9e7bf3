"""Who may call a route: the bearer of a token that holds, with a scope the route names and the permission for it.

A route says `scopes=(…)`, of which any one will do, or `public=True`. One that says neither does not get past start-up.
"""

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from doorward.kit.errors import Unauthorized
from doorward.oauth.tokens import authenticate
from doorward.wire.context import PRINCIPAL, context_of

_LONGEST_TOKEN = 1024


async def require_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let the request pass, leaving its Principal in the scope. Raises Unauthorized, InsufficientScope or Forbidden."""
    if handler.opt.get("public") or "scopes" not in handler.opt:
        return  # without scopes there is only the framework's own OPTIONS: create_app() has made sure
    context = context_of(connection)
    token = bearer_token(connection.headers.get("authorization"))
    now = context.clock.now()
    principal = await context.database.read(lambda transaction: authenticate(transaction, token, now))
    principal.require(*handler.opt["scopes"])
    client = connection.client
    context.usage.count(
        principal,
        handler.name or handler.handler_name,
        client.host if client else "",
        now,
    )
    cast(dict[str, Any], connection.scope)[PRINCIPAL] = principal


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, 2.1). Raises Unauthorized.

    A token in the query string or in a form is not looked at: both end up in logs.
    """
    if header is None:
        raise Unauthorized(challenge=None)
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        raise Unauthorized(challenge=None)
    if not token or len(token) > _LONGEST_TOKEN:
        raise Unauthorized
    return token
