"""The pages of /console/tokens: one's own tokens, a new one, and to end one."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.applications.personal_tokens import (
    MOST_TOKENS,
    USUAL_DAYS,
    PersonalToken,
    create_personal_token,
    list_personal_tokens,
    revoke_personal_token,
)
from doorward.console.forms import Form, Sent, again, sent
from doorward.console.once import Secret, show_once
from doorward.console.page import go, show
from doorward.console.tokens.words import in_words, permitted, reading, subjects_of, summary
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import ANY_TOKEN, base_url, principal_of
from doorward.wire.queries import path_id

_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/tokens"
_SEE, _ALL, _CHOSEN = "see", "all", "chosen"
_ACCESS: Final = (
    (_SEE, "See, and change nothing", "All that you may see."),
    (_ALL, "All that you may do", "For a program that stands in for you. Keep it safe."),
    (_CHOSEN, "What I tick below", ""),
)
_EXPIRIES: Final = (
    ("30", "30 days"),
    (str(USUAL_DAYS), "90 days"),
    ("365", "A year"),
    ("", "Ten years"),
)


@get("/tokens", name="console.tokens", scopes=ANY_TOKEN, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The tokens of who asks."""

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = list_personal_tokens(transaction, principal, now)
        return {"tokens": [(each, _scopes(each)) for each in found]}

    return await show(request, "tokens/list.html", read, in_words=in_words, summary=summary, most=MOST_TOKENS)


@get("/tokens/new", name="console.tokens.new", scopes=ANY_TOKEN, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    return await _form(request, Form({"access": _SEE, "expires_in_days": str(USUAL_DAYS)}))


@post("/tokens/new", name="console.tokens.create", scopes=ANY_TOKEN, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a token, which is shown in this answer only."""
    form = await sent(request)
    body = _body(form, principal_of(request))
    try:
        made, text = await perform(request, lambda tx, by, now: create_personal_token(tx, by, body, now))
    except Invalid as error:
        return await _form(request, again(form, error, lists=("scopes",)))
    shown = [Secret("token", "Token", text, f'Send it as the header "Authorization: Bearer …" to {base_url(request)}.')]
    return await show_once(request, f"{made.name} was made", shown, back=_LIST, back_label="Go to your tokens")


@post("/tokens/{token_id:str}/revoke", name="console.tokens.revoke", scopes=ANY_TOKEN, **_PAGE)
async def revoke(request: Request[Any, Any, Any], token_id: FromPath[str]) -> ASGIResponse:
    """End a token."""
    await sent(request)
    number = path_id(token_id)
    await perform(request, lambda tx, by, now: revoke_personal_token(tx, by, number, now))
    return go(request, _LIST, "The token was revoked.")


def _body(form: Sent, principal: Principal) -> dict[str, object]:
    mine = permitted(principal)
    scopes = {_SEE: reading(mine), _ALL: sorted(mine)}.get(form.text("access"), form.texts("scopes"))
    return {**form.body(texts=("name",), numbers=("expires_in_days",)), "scopes": scopes}


def _scopes(token: PersonalToken) -> frozenset[str]:
    return frozenset(token.scopes.split())


async def _form(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    subjects = subjects_of(permitted(principal_of(request)))
    status = 422 if form.errors else 200
    return await show(
        request, "tokens/form.html", status=status, form=form, subjects=subjects, access=_ACCESS, expiries=_EXPIRIES
    )


HANDLERS = (list_page, new_page, create, revoke)
