"""The pages of /console/credential-types."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, again, sent
from doorward.console.page import go, show
from doorward.console.whole_account import whole_account
from doorward.credentials.types import create_type, delete_type, get_type, list_types, update_type
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import AUX, CARD, DURESS, PIN
from doorward.kit.errors import Conflict, Invalid
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.credential_type.readonly",)
_WRITE: Final = ("account.credential_type",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/credential-types"
KIND_WORDS: Final = {
    CARD: "Card or fob",
    PIN: "PIN",
    AUX: "Auxiliary input, such as a remote control",
    "apple": "Apple pass",
    "google": "Google pass",
    DURESS: "Duress PIN: opens, and raises a silent alarm",
}


@get("/credential-types", name="console.credentialTypes", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The account's credential types."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"types": list_types(transaction, principal.account_id)}

    return await show(request, "credential_types/list.html", read, kind_words=KIND_WORDS)


@get("/credential-types/new", name="console.credentialTypes.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    whole_account(request)
    return await _form(request, Form({"kind": CARD}), None)


@post("/credential-types/new", name="console.credentialTypes.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a type."""
    whole_account(request)
    form = await sent(request)
    body = form.body(texts=("label", "kind", "slug"), numbers=("code",))
    try:
        made = await perform(request, lambda tx, by, now: create_type(tx, by.account_id, body, now))
    except Invalid as error:
        return await _form(request, again(form, error), None)
    return go(request, _LIST, f"{made.label} was added.")


@get("/credential-types/{type_id:str}", name="console.credentialType", scopes=_READ, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], type_id: FromPath[str]) -> ASGIResponse:
    """A type, and its form for those who may change it."""
    return await _form(request, None, path_id(type_id))


@post("/credential-types/{type_id:str}", name="console.credentialType.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], type_id: FromPath[str]) -> ASGIResponse:
    """Change a type."""
    whole_account(request)
    form, number = await sent(request), path_id(type_id)
    body = form.body(texts=("label", "slug"), numbers=("code",))
    try:
        changed = await perform(request, lambda tx, by, now: update_type(tx, by.account_id, number, body, now))
    except Invalid as error:
        return await _form(request, again(form, error), number)
    return go(request, _LIST, f"{changed.label} was saved.")


@post("/credential-types/{type_id:str}/delete", name="console.credentialType.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], type_id: FromPath[str]) -> ASGIResponse:
    """Delete a type that nobody has."""
    whole_account(request)
    form, number = await sent(request), path_id(type_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        label = get_type(transaction, by.account_id, number).label
        delete_type(transaction, by.account_id, number, now)
        return label

    try:
        label = await perform(request, delete_it)
    except Conflict as error:
        return await _form(request, again(form, error), number)
    return go(request, _LIST, f"{label} was deleted.")


async def _form(request: Request[Any, Any, Any], form: Form | None, number: int | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found = None if number is None else get_type(transaction, principal.account_id, number)
        values = {} if found is None else found._asdict()
        # A refused deletion has sent nothing but the token; nor is the kind sent again.
        return {"type": found, "form": Form({**values, **(form.values if form else {})}, form.errors if form else {})}

    status = 422 if form and form.errors else 200
    return await show(request, "credential_types/form.html", read, status=status, kind_words=KIND_WORDS)


HANDLERS = (list_page, new_page, create, edit_page, update, remove)
