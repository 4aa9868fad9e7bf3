"""The forms of /account/security that take access away: from an application, from a personal access token."""

import contextlib
from typing import Any

from litestar import Request, Router, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.applications.personal_tokens import revoke_personal_token
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.pages.render import see_other
from doorward.signing_in.access_given import disconnect
from doorward.signing_in.confirmation import write_as
from doorward.signing_in.next_page import OWN
from doorward.signing_in.own_page import OWN_PAGE_ERRORS, sent
from doorward.wire.context import context_of
from doorward.wire.queries import path_id


@post(f"{OWN}/applications/{{application_id:str}}/disconnect", name="disconnect", public=True, hidden=True)
async def disconnect_application(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Revoke all that the user has let an application have."""
    session, _ = await sent(request)
    number, now = path_id(application_id), context_of(request).clock.now()
    await write_as(request, session.user_id, lambda transaction: disconnect(transaction, session.user_id, number, now))
    return see_other(f"{OWN}?done=disconnected")


@post(f"{OWN}/tokens/{{token_id:str}}/revoke", name="revokeOwnToken", public=True, hidden=True)
async def revoke_token(request: Request[Any, Any, Any], token_id: FromPath[str]) -> ASGIResponse:
    """Revoke one of the user's personal access tokens."""
    session, _ = await sent(request)
    number, now = path_id(token_id), context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        with contextlib.suppress(NotFound):  # revoked already, as by a second click
            revoke_personal_token(transaction, session, number, now)

    await write_as(request, session.user_id, work)
    return see_other(f"{OWN}?done=revoked")


router = Router("/", route_handlers=[disconnect_application, revoke_token], exception_handlers=OWN_PAGE_ERRORS)
