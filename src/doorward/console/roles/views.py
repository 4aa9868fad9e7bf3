"""The pages of /console/roles: the list, and one role with what it links."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.choosing.doors import by_site, doors_of
from doorward.console.forms import Form, Sent, again, sent
from doorward.console.last_change import last_change
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.roles.matrix import show_matrix
from doorward.console.roles.reading import (
    find_role,
    groups_to_choose,
    holders_of,
    links_of,
    page_of_roles,
    shifts_to_choose,
)
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.roles.service import create_role, delete_role, get_role, update_role
from doorward.wire.changes import perform
from doorward.wire.queries import choice_of, path_id

_READ: Final = ("account.role.readonly",)
_WRITE: Final = ("account.role",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/roles"
_LISTS: Final = ("channel_ids", "group_ids")
_HOLDERS: Final = 25


@get("/roles", name="console.roles", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The roles, as a list or as the matrix of roles and doors."""
    if choice_of(request.query_params, "view", ("list", "matrix")) == "matrix":
        return await show_matrix(request)
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = page_of_roles(transaction, principal, asked)
        return {"roles": found, "paging": paging_of(request, asked, total)}

    return await show(request, "roles/list.html", read)


@get("/roles/new", name="console.roles.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    return await _form(request, Form(), None)


@post("/roles/new", name="console.roles.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a role."""
    form = await sent(request)
    body = _body(form)
    try:
        made = await perform(request, lambda tx, by, now: create_role(tx, by.account_id, body, now, by=by))
    except Invalid as error:
        return await _form(request, again(form, error, lists=_LISTS), None)
    return go(request, f"{_LIST}/{made.id}", f"{made.name} was added.")


@get("/roles/{role_id:str}", name="console.role", scopes=_READ, **_PAGE)
async def detail_page(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """A role: its doors and hours, and who has it."""
    return await _form(request, None, path_id(role_id))


@post("/roles/{role_id:str}", name="console.role.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """Change a role."""
    form, number = await sent(request), path_id(role_id)
    body = _body(form)
    try:
        changed = await perform(request, lambda tx, by, now: update_role(tx, by.account_id, number, body, now, by=by))
    except (Invalid, Conflict) as error:
        return await _form(request, again(form, error, lists=_LISTS), number)
    return go(request, f"{_LIST}/{number}", f"{changed.name} was saved.")


@post("/roles/{role_id:str}/delete", name="console.role.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """Delete a role from whoever holds it."""
    form, number = await sent(request), path_id(role_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_role(transaction, by.account_id, number, now, by=by).name
        delete_role(transaction, by.account_id, number, now, by=by)
        return name

    try:
        name = await perform(request, delete_it)
    except Conflict as error:
        return await _form(request, again(form, error), number)
    return go(request, _LIST, f"{name} was deleted.")


def _body(form: Sent) -> dict[str, object]:
    return form.body(texts=("name", "notes"), numbers=("shift_id",), ids=_LISTS)


async def _form(request: Request[Any, Any, Any], form: Form | None, role_id: int | None) -> ASGIResponse:
    asked = Page(asked_page(request).number, _HOLDERS)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        role = None if role_id is None else find_role(transaction, principal, role_id, now)
        if role is None and role_id is not None:
            raise NotFound
        links = [] if role is None else sorted(links_of(transaction, principal, role.id), key=lambda link: link.name)
        holders = [] if role is None or not role.people else holders_of(transaction, role.id, asked)
        values: Mapping[str, Any] = {}
        if role is not None:
            linked = {name: [link.id for link in links if link.kind == kind] for name, kind in _KINDS.items()}
            values = {**role._asdict(), **linked}
        # After a refused deletion there is nothing in the form but the token.
        shown = form if form and "name" in form.values else Form(values, form.errors if form else {})
        return {
            "role": role,
            "last": None if role is None else last_change(transaction, principal, "role", role.id),
            "form": shown,
            "doors": [link for link in links if link.kind == "door"],
            "groups": [link for link in links if link.kind == "group"],
            "holders": holders,
            "paging": paging_of(request, asked, 0 if role is None else role.people),
            "sites": by_site(doors_of(transaction, principal)),
            "shifts": shifts_to_choose(transaction, principal),
            "all_groups": groups_to_choose(transaction, principal),
        }

    return await show(request, "roles/form.html", read, status=422 if form and form.errors else 200)


_KINDS: Final = {"channel_ids": "door", "group_ids": "group"}

HANDLERS = (list_page, new_page, create, detail_page, update, remove)
