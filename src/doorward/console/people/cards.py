"""Credentials: cards issued and changed, PINs made and shown once, both taken away."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.page import go, show
from doorward.console.people.enrolling import doors_with_readers
from doorward.console.people.person import belongings_of, portrait_of
from doorward.credentials.enrolled import Credential, nobodys
from doorward.credentials.pins import MEMORISED, RANDOM
from doorward.credentials.service import (
    AlreadyEnrolled,
    create_credential,
    delete_credential,
    get_credential,
    update_credential,
)
from doorward.credentials.types import list_types
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD
from doorward.kit.errors import Invalid, NotFound
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import id_of, path_id, text_of

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}


@get("/people/{person_id:str}/credentials/new", name="console.credential.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """A form for a card or a PIN; the number may have been read at a door."""
    query = request.query_params
    form = Form({"credential_type_id": id_of(query, "type"), "value": text_of(query, "value") or ""})
    return await _new(request, path_id(person_id), form)


@post("/people/{person_id:str}/credentials/new", name="console.credential.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Issue it. A PIN that was made at random is shown with the answer, and nowhere else."""
    form, number, vault = await sent(request), path_id(person_id), context_of(request).vault
    body = {**form.body(numbers=("credential_type_id",)), "value": _value(form)}

    def create_it(transaction: Transaction, by: Principal, now: int) -> Credential:
        return create_credential(transaction, vault, by.account_id, number, body, now, by=by)

    try:
        made = await perform(request, create_it)
    except Invalid as error:
        return await _new(request, number, again(form, error))
    except AlreadyEnrolled as error:
        held = {"credential_type_id": [f"They have one already: {error.existing.label}. Change that one instead."]}
        return await _new(request, number, again(form, Invalid(held)))
    return await _done(request, number, made, f"{made.label} was issued.")


@get("/people/{person_id:str}/credentials/{credential_id:str}", name="console.credential", scopes=_WRITE, **_PAGE)
async def change_page(
    request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]
) -> ASGIResponse:
    """A form for another number, or another PIN."""
    return await _change(request, path_id(person_id), path_id(credential_id), None)


@post(
    "/people/{person_id:str}/credentials/{credential_id:str}", name="console.credential.update", scopes=_WRITE, **_PAGE
)
async def update(
    request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]
) -> ASGIResponse:
    """Change what is on it."""
    form, vault = await sent(request), context_of(request).vault
    person, number, body = path_id(person_id), path_id(credential_id), {"value": _value(form)}

    def change_it(transaction: Transaction, by: Principal, now: int) -> Credential:
        return update_credential(transaction, vault, by.account_id, person, number, body, now, by=by)

    try:
        changed = await perform(request, change_it)
    except Invalid as error:
        return await _change(request, person, number, again(form, error))
    return await _done(request, person, changed, f"{changed.label} was changed.")


@post(
    "/people/{person_id:str}/credentials/{credential_id:str}/delete",
    name="console.credential.delete",
    scopes=_WRITE,
    **_PAGE,
)
async def remove(
    request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]
) -> ASGIResponse:
    """Take it away."""
    await sent(request)
    vault, person, number = context_of(request).vault, path_id(person_id), path_id(credential_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        label = get_credential(transaction, vault, by.account_id, person, number, nobodys).label
        delete_credential(transaction, by.account_id, person, number, now, by=by)
        return label

    label = await perform(request, delete_it)
    return go(request, f"/console/people/{person}", f"{label} was taken away. It opens nothing any more.")


def _value(form: Sent) -> object:
    return RANDOM if form.text("random") else form.text("value").strip()


async def _done(request: Request[Any, Any, Any], person_id: int, made: Credential, done: str) -> ASGIResponse:
    if made.kind not in MEMORISED:
        return go(request, f"/console/people/{person_id}", done)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"portrait": portrait_of(transaction, principal.account_id, person_id)}

    return await show(request, "people/pin.html", read, credential=made)


async def _new(request: Request[Any, Any, Any], person_id: int, form: Form) -> ASGIResponse:
    principal = principal_of(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        portrait = portrait_of(transaction, principal.account_id, person_id)
        held = {
            each.name for each in belongings_of(transaction, principal, person_id, now) if each.kind == "credential"
        }
        types = list_types(transaction, principal.account_id)
        free = [each for each in types if each.label not in held]
        return {
            "portrait": portrait,
            "types": sorted(free, key=lambda each: each.kind != CARD),
            "memorised": {each.id for each in free if each.kind in MEMORISED},
            "doors": doors_with_readers(transaction, principal) if may_read else [],
        }

    may_read = principal.may("account.event.access.readonly") and principal.may("account.channel.readonly")
    status = 422 if form.errors else 200
    return await show(request, "people/credential_new.html", read, status=status, form=form)


async def _change(
    request: Request[Any, Any, Any], person_id: int, credential_id: int, form: Form | None
) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        portrait = portrait_of(transaction, principal.account_id, person_id)
        has = belongings_of(transaction, principal, person_id, now)
        found = next((each for each in has if each.kind == "credential" and each.id == credential_id), None)
        if found is None:
            raise NotFound
        return {
            "portrait": portrait,
            "credential": found,
            "is_memorised": found.credential_kind in MEMORISED,
            "form": form or Form({"value": found.value}),
        }

    return await show(request, "people/credential.html", read, status=422 if form and form.errors else 200)


HANDLERS = (new_page, create, change_page, update, remove)
