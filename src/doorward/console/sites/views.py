"""The pages of /console/sites."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid
from doorward.kit.timestamps import known_zones
from doorward.oauth.principal import Principal
from doorward.sites.service import Site, create_site, delete_site, get_site, page_of_sites, update_site
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.site.readonly",)
_WRITE: Final = ("account.site",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/sites"


@get("/sites", name="console.sites", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The sites that the user sees."""
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = page_of_sites(transaction, principal.account_id, asked, by=principal)
        return {"sites": found, "paging": paging_of(request, asked, total)}

    return await show(request, "sites/list.html", read)


@get("/sites/new", name="console.sites.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    whole_account(request)
    return await _form(request, Form(), None)


@post("/sites/new", name="console.sites.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a site."""
    form = await sent(request)
    body = _body(form)
    try:
        made = await perform(request, lambda tx, by, now: create_site(tx, by.account_id, body, now, by=by))
    except Invalid as error:
        return await _form(request, again(form, error), None)
    return go(request, f"{_LIST}/{made.id}", f"{made.name} was added.")


@get("/sites/{site_id:str}", name="console.site", scopes=_READ, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """A site, and its form for those who may change it."""
    return await _form(request, None, path_id(site_id))


@post("/sites/{site_id:str}", name="console.site.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Change a site."""
    form, number = await sent(request), path_id(site_id)
    body = _body(form)
    try:
        changed = await perform(request, lambda tx, by, now: update_site(tx, by.account_id, number, body, now, by=by))
    except Invalid as error:
        return await _form(request, again(form, error), number)
    return go(request, f"{_LIST}/{number}", f"{changed.name} was saved.")


@post("/sites/{site_id:str}/delete", name="console.site.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Delete a site."""
    form, number = await sent(request), path_id(site_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_site(transaction, by.account_id, number, by=by).name
        delete_site(transaction, by.account_id, number, now, by=by)
        return name

    try:
        name = await perform(request, delete_it)
    except Conflict as error:
        return await _form(request, again(form, error), number)
    return go(request, _LIST, f"{name} was deleted.")


def _body(form: Sent) -> dict[str, object]:
    body = form.body(texts=("name", "time_zone", "notes"))
    return {**body, "site_ips": form.text("site_ips").split()}


async def _form(request: Request[Any, Any, Any], form: Form | None, site_id: int | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        site = None if site_id is None else get_site(transaction, principal.account_id, site_id, by=principal)
        return {
            "site": site,
            # After a refused deletion there is nothing in the form but the token.
            "form": form if form and "name" in form.values else Form(_values(site), form.errors if form else {}),
        }

    status = 422 if form and form.errors else 200
    return await show(
        request, "sites/form.html", read, status=status, zones=[(name, name) for name in sorted(known_zones())]
    )


def _values(site: Site | None) -> Mapping[str, Any]:
    if site is None:
        return {}
    return {**site._asdict(), "site_ips": "\n".join(site.site_ips)}


HANDLERS = (list_page, new_page, create, edit_page, update, remove)
