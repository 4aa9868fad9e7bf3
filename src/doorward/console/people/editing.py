"""Adding people, and changing what is said of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.moments import for_input
from doorward.console.page import go, show
from doorward.console.people.person import portrait_of
from doorward.console.people.rows import Choices, Named, choices_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.people.person import Person
from doorward.people.service import create_person, get_person, update_person
from doorward.roles.reach import visible_roles
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import id_of, path_id

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_TEXTS: Final = (
    *("first_name", "last_name", "salutation", "job_title", "department", "email", "telephone", "mobile"),
    *("system_id", "barcode", "notes"),
    *(f"custom_{number}" for number in range(1, 6)),
)
_INSTANTS: Final = ("valid_from", "valid_to")
_SETS: Final = ("group_ids", "role_ids")


@get("/people/new", name="console.people.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form; a group can be chosen already."""
    group_id = id_of(request.query_params, "group")
    return await _form(request, Form({"enabled": True, "group_ids": [group_id] if group_id else []}), None)


@post("/people/new", name="console.people.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add somebody."""
    form, vault = await sent(request), context_of(request).vault

    def create_it(transaction: Transaction, by: Principal, now: int) -> Person:
        return create_person(transaction, vault, by.account_id, _body(transaction, form, None, by), now, by=by)

    try:
        made = await perform(request, create_it)
    except Invalid as error:
        return await _form(request, again(form, error, lists=_SETS), None)
    return go(request, f"/console/people/{made.id}", f"{made.first_name} {made.last_name} was added.")


@get("/people/{person_id:str}/edit", name="console.person.edit", scopes=_WRITE, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """The form of somebody."""
    return await _form(request, None, path_id(person_id))


@post("/people/{person_id:str}/edit", name="console.person.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Change what is said of somebody."""
    form, number, vault = await sent(request), path_id(person_id), context_of(request).vault

    def change_it(transaction: Transaction, by: Principal, now: int) -> Person:
        before = get_person(transaction, by.account_id, number)
        body = _body(transaction, form, before, by)
        return update_person(transaction, vault, by.account_id, number, body, now, by=by)

    try:
        changed = await perform(request, change_it)
    except Invalid as error:
        return await _form(request, again(form, error, lists=_SETS), number)
    return go(request, f"/console/people/{number}", f"{changed.first_name} {changed.last_name} was saved.")


def _body(transaction: Transaction, form: Sent, before: Person | None, by: Principal) -> dict[str, object]:
    """What the form says, as the API would be told; groups and roles that it could not show stay as they are."""
    body = form.body(texts=(*_TEXTS, *_INSTANTS), flags=("enabled",), ids=("group_ids",))
    if by.may("account.role"):
        body.update(form.body(ids=("role_ids",)))
    if before is None:
        return body
    for name in _INSTANTS:
        # The field knows minutes only: one that was left alone changes nothing.
        if form.text(name) == for_input(getattr(before, name), by.zone):
            del body[name]
    if "role_ids" in body:
        shown = {role.id for role in _offered(transaction, choices_of(transaction, by.account_id).roles, by)}
        body["role_ids"] = [*_listed(body["role_ids"]), *(each for each in before.role_ids if each not in shown)]
    return body


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _offered(transaction: Transaction, found: Sequence[Named], by: Principal) -> list[Named]:
    """The roles that the user sees."""
    visible = visible_roles(transaction, [role.id for role in found], by)
    return [role for role in found if role.id in visible]


async def _form(request: Request[Any, Any, Any], form: Form | None, person_id: int | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        choices = choices_of(transaction, principal.account_id)
        roles = _offered(transaction, choices.roles, principal) if principal.may("account.role") else []
        portrait = None if person_id is None else portrait_of(transaction, principal.account_id, person_id)
        shown = form
        if shown is None and portrait is not None:
            shown = Form(_values(get_person(transaction, principal.account_id, portrait.person.id), principal))
        return {"portrait": portrait, "form": shown or Form(), "choices": Choices(choices.groups, roles)}

    return await show(request, "people/form.html", read, status=422 if form and form.errors else 200)


def _values(person: Person, principal: Principal) -> Mapping[str, Any]:
    return {
        **person._asdict(),
        **{name: for_input(getattr(person, name), principal.zone) for name in _INSTANTS},
    }


HANDLERS = (new_page, create, edit_page, update)
