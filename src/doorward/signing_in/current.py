"""Who is signed in to the browser that asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection

from doorward.audit.service import Actor
from doorward.oauth.browser_sessions import session_principal
from doorward.signing_in import sessions
from doorward.signing_in.cookies import session_cookie
from doorward.signing_in.csrf import token_of
from doorward.wire.context import PRINCIPAL, REQUEST_ID, client_address, context_of, require_scopes

SESSION: Final = "doorward.session"
"""In the scope of a page's request: its BrowserSession."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser in which a user has signed in, with the second factor if they have one."""

    id: int
    user_id: int
    account_id: int
    csrf_token: str
    """What every form has to bring back in a field `csrf_token`, for csrf.check()."""
    account_name: str
    time_zone: str
    email: str
    name: str
    """First and last name; the e-mail address of one who has neither."""
    user_role: str
    site_limited: bool


class SignInNeeded(Exception):
    """A page was asked for by a browser in which nobody has signed in."""


async def require_session(connection: ASGIConnection[Any, Any, Any, Any], opt: Mapping[str, Any]) -> None:
    """Let a page's request pass, leaving its BrowserSession and Principal in the scope.

    Raises SignInNeeded, or Forbidden where the user may not.
    """
    session = await current_session(connection)
    if session is None:
        raise SignInNeeded
    principal = session_principal(
        session.id, session.user_id, session.account_id, session.user_role, session.site_limited, session.time_zone
    )
    scope = cast(dict[str, Any], connection.scope)
    scope[SESSION], scope[PRINCIPAL] = session, principal
    require_scopes(principal, opt)


def session_of(connection: ASGIConnection[Any, Any, Any, Any]) -> BrowserSession:
    """Who is signed in; only for handlers of pages."""
    return cast(dict[str, BrowserSession], connection.scope)[SESSION]


async def current_session(request: ASGIConnection[Any, Any, Any, Any]) -> BrowserSession | None:
    """The session of the request's cookie, if it holds and needs no second factor any more."""
    cookie = session_cookie(request)
    found = None if cookie is None else await live_session(request, cookie)
    if cookie is None or found is None or found.needs_second_factor:
        return None
    return BrowserSession(
        found.id,
        found.user_id,
        found.account_id,
        token_of(context_of(request).vault, cookie),
        found.account_name,
        found.time_zone,
        found.email,
        f"{found.first_name} {found.last_name}".strip() or found.email,
        found.role,
        found.site_limited != 0,
    )


async def live_session(request: ASGIConnection[Any, Any, Any, Any], cookie: str) -> sessions.LiveSession | None:
    """The session of a cookie, if it holds; also one that still wants the second factor. Keeps that it was used."""
    context = context_of(request)
    now = context.clock.now()
    found = await context.database.read(lambda transaction: sessions.find(transaction, cookie, now))
    if found is not None and sessions.wants_noting(found, now):
        address = client_address(request)
        await context.database.write(lambda transaction: sessions.note_use(transaction, found.id, address, now))
    return found


def actor_of_session(request: Request[Any, Any, Any], user_id: int | None) -> Actor:
    """Who changes something on a page, as the audit log names them; None: nobody knows who."""
    request_id = request.scope.get(REQUEST_ID)
    name = "somebody" if user_id is None else "system"
    return Actor(name, user_id, None, str(request_id) if request_id else None, client_address(request))
