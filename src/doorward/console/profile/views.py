"""The page /console/profile: who one is here, and where one's password and tokens are."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, again, sent
from doorward.console.page import go, show
from doorward.console.users.forms import ROLE_WORDS
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.users.service import get_user, update_user
from doorward.wire.changes import perform
from doorward.wire.context import ANY_TOKEN

_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}


@get("/profile", name="console.profile", scopes=ANY_TOKEN, **_PAGE)
async def profile_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Who one is."""
    return await _profile(request, None)


@post("/profile", name="console.profile.update", scopes=("account.user",), **_PAGE)
async def update(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Change one's own name, as far as one may change users."""
    whole_account(request)
    form = await sent(request)
    body = form.body(texts=("first_name", "last_name"))
    try:
        await perform(request, lambda tx, by, now: update_user(tx, by.account_id, by.user_id, body, None, now, by))
    except Invalid as error:
        return await _profile(request, again(form, error))
    return go(request, "/console/profile", "Your name was saved.")


async def _profile(request: Request[Any, Any, Any], form: Form | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        user = get_user(transaction, principal.account_id, principal.user_id)
        return {"user": user, "form": form or Form(user._asdict())}

    return await show(request, "profile/profile.html", read, status=422 if form else 200, role_words=ROLE_WORDS)


HANDLERS = (profile_page, update)
