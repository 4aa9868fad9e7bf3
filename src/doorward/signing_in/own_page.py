"""The forms of a user's own pages: who sends them, and whether they come from there."""

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.response import Response
from litestar.types import ExceptionHandlersMap

from doorward.pages.errors import PAGE_ERRORS
from doorward.pages.forms import read_form
from doorward.pages.render import protection
from doorward.signing_in import csrf
from doorward.signing_in.current import BrowserSession, current_session
from doorward.signing_in.next_page import OWN, with_next


class NotSignedIn(Exception):
    """To be sent to the sign-in page."""


def _to_sign_in(_: Request[Any, Any, Any], __: NotSignedIn) -> Response[str]:
    headers = {"Location": with_next("/sign-in", OWN), **dict(protection())}
    return Response("", status_code=303, media_type="text/plain", headers=headers)


OWN_PAGE_ERRORS: ExceptionHandlersMap = {**PAGE_ERRORS, NotSignedIn: _to_sign_in}
"""How errors look there."""


async def own_session(request: Request[Any, Any, Any]) -> BrowserSession:
    """Who is signed in. Raises NotSignedIn."""
    found = await current_session(request)
    if found is None:
        raise NotSignedIn
    return found


async def sent(request: Request[Any, Any, Any]) -> tuple[BrowserSession, Mapping[str, str]]:
    """Who sends a form, and the form. Raises NotSignedIn, and Forbidden for one that is not from our page."""
    session, form = await own_session(request), await read_form(request)
    csrf.check(session, form.get("csrf_token", ""), request)
    return session, form
