"""The pages of /console/groups: the list, and one group with what it links."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.groups.members import members_of
from doorward.console.groups.reading import opened_by, page_of_groups
from doorward.console.last_change import last_change
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.roles.reading import roles_to_choose
from doorward.db.unit_of_work import Transaction
from doorward.groups.service import create_group, delete_group, get_group, update_group
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.group.readonly",)
_WRITE: Final = ("account.group",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/groups"


@get("/groups", name="console.groups", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The groups, with their roles."""
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = page_of_groups(transaction, principal, asked)
        return {"groups": found, "paging": paging_of(request, asked, total)}

    return await show(request, "groups/list.html", read)


@get("/groups/new", name="console.groups.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    return await _new(request, Form())


@post("/groups/new", name="console.groups.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a group."""
    form = await sent(request)
    body = _body(form)
    try:
        made = await perform(request, lambda tx, by, now: create_group(tx, by.account_id, body, now, by=by))
    except Invalid as error:
        return await _new(request, again(form, error, lists=("role_ids",)))
    return go(request, f"{_LIST}/{made.id}", f"{made.name} was added. Its people come next.")


@get("/groups/{group_id:str}", name="console.group", scopes=_READ, **_PAGE)
async def detail_page(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """A group: what it can open, who is in it, which roles it has."""
    return await _detail(request, path_id(group_id), None)


@post("/groups/{group_id:str}", name="console.group.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """Change a group; its people are changed one by one."""
    form, number = await sent(request), path_id(group_id)
    body = _body(form)
    try:
        changed = await perform(request, lambda tx, by, now: update_group(tx, by.account_id, number, body, now, by=by))
    except Invalid as error:
        return await _detail(request, number, again(form, error, lists=("role_ids",)))
    return go(request, f"{_LIST}/{number}", f"{changed.name} was saved.")


@post("/groups/{group_id:str}/delete", name="console.group.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """Delete a group; its people stay."""
    await sent(request)
    number = path_id(group_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_group(transaction, by.account_id, number, by=by).name
        delete_group(transaction, by.account_id, number, now, by=by)
        return name

    return go(request, _LIST, f"{await perform(request, delete_it)} was deleted.")


def _body(form: Sent) -> dict[str, object]:
    return form.body(texts=("name", "notes"), flags=("global_across_sites",), ids=("role_ids",))


async def _new(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"roles": roles_to_choose(transaction, principal)}

    return await show(request, "groups/new.html", read, status=422 if form.errors else 200, form=form)


async def _detail(request: Request[Any, Any, Any], group_id: int, form: Form | None) -> ASGIResponse:
    asked, text = asked_page(request), request.query_params.get("q", "")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        group = get_group(transaction, principal.account_id, group_id, by=principal)
        sees_people = principal.may("account.person.readonly")
        return {
            "group": group,
            "last": last_change(transaction, principal, "group", group_id),
            "form": form or Form(group._asdict()),
            "roles": roles_to_choose(transaction, principal),
            "opened": opened_by(transaction, principal, group_id),
            "members": members_of(transaction, request, group, text, asked) if sees_people else None,
        }

    return await show(request, "groups/detail.html", read, status=422 if form and form.errors else 200, text=text)


HANDLERS = (list_page, new_page, create, detail_page, update, remove)
