"""Who may call a route: the bearer of a token that holds, with a scope the route names and the permission for it.

A route says `scopes=(…)`, of which any one will do, and perhaps `also_scopes=(…)`, all of which are needed beside it;
`scopes=ANY_TOKEN`, for which any token will do; or `public=True`. One that says none does not get past start-up.
With `page=True` it is a page of the console: asked for by a browser in which somebody has signed in, never by token.

`urgent=True` is for what must not wait for the rate limit, such as a lockdown.
"""

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from doorward.kit.errors import Unauthorized
from doorward.oauth.tokens import authenticate
from doorward.signing_in.current import require_session
from doorward.wire.context import ALLOWANCE, PRINCIPAL, client_address, context_of, require_scopes

_LONGEST_TOKEN = 1024


async def require_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let the request pass, leaving its Principal in the scope. Raises Unauthorized, InsufficientScope or Forbidden."""
    if handler.opt.get("public") or "scopes" not in handler.opt:
        return  # without scopes there is only the framework's own OPTIONS: create_app() has made sure
    if handler.opt.get("page"):
        await require_session(connection, handler.opt)
        return
    context = context_of(connection)
    token = bearer_token(connection.headers.get("authorization"))
    now = context.clock.now()
    principal = await context.database.read(lambda transaction: authenticate(transaction, token, now))
    scope = cast(dict[str, Any], connection.scope)
    scope[PRINCIPAL] = principal
    if not handler.opt.get("urgent"):
        scope[ALLOWANCE] = await context.rates.take(context.database, principal.token_id or 0, now)
    require_scopes(principal, handler.opt)
    context.usage.count(principal, handler.name or handler.handler_name, client_address(connection), now)


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
