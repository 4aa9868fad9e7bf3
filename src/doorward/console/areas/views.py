"""The page of a site's areas: to name them, and to see who is in."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from sqlalchemy import bindparam, or_, select

from doorward.channels.tables import channels
from doorward.console.doors.parts import PAGE
from doorward.console.forms import Form, again, sent
from doorward.console.page import go, show
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.presence import forgive_at_site, occupancy_at
from doorward.sites.areas import create_area, delete_area, update_area
from doorward.sites.service import get_site
from doorward.sites.sight import VISIBLE, visible_to
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.site.readonly",)
_WRITE: Final = ("account.site",)
_COMMAND: Final = ("account.channel.admit",)
_NAMED: Final = 6
"""So many of those in an area are named: who came last comes first."""


class Leading(NamedTuple):
    """A door that leads from an area or to one."""

    id: int
    name: str
    area_from_id: int | None
    area_to_id: int | None
    passback_mode: str | None


_LEADING: Final = Query(
    select(*(channels.c[name] for name in Leading._fields))
    .where(
        VISIBLE,
        channels.c.site_id == bindparam("the_site"),
        or_(channels.c.area_from_id.is_not(None), channels.c.area_to_id.is_not(None)),
    )
    .order_by(channels.c.name_key, channels.c.id)
    .limit(200),
    Leading,
)


@get("/sites/{site_id:str}/areas", name="console.areas", scopes=_READ, **PAGE)
async def areas_page(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """A site's areas."""
    return await _page(request, path_id(site_id), Form())


@post("/sites/{site_id:str}/areas", name="console.areas.create", scopes=_WRITE, **PAGE)
async def create(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Add an area."""
    form, number = await sent(request), path_id(site_id)
    body = form.body(texts=("name",))
    try:
        made = await perform(request, lambda tx, by, now: create_area(tx, by.account_id, number, body, now, by=by))
    except Invalid as error:
        return await _page(request, number, again(form, error))
    return go(request, _address(number), f"{made.name} was added.")


@post("/sites/{site_id:str}/areas/{area_id:str}", name="console.area.update", scopes=_WRITE, **PAGE)
async def update(request: Request[Any, Any, Any], site_id: FromPath[str], area_id: FromPath[str]) -> ASGIResponse:
    """Rename an area."""
    form, number, area = await sent(request), path_id(site_id), path_id(area_id)
    body = form.body(texts=("name",))
    try:
        saved = await perform(request, lambda tx, by, now: update_area(tx, by.account_id, area, body, now, by=by))
    except Invalid as error:
        return await _page(request, number, Form({}, error.errors))
    return go(request, _address(number), f"{saved.name} was saved.")


@post("/sites/{site_id:str}/areas/{area_id:str}/delete", name="console.area.delete", scopes=_WRITE, **PAGE)
async def remove(request: Request[Any, Any, Any], site_id: FromPath[str], area_id: FromPath[str]) -> ASGIResponse:
    """Delete an area."""
    await sent(request)
    number, area = path_id(site_id), path_id(area_id)
    try:
        await perform(request, lambda tx, by, now: delete_area(tx, by.account_id, area, now, by=by))
    except Conflict:
        return await _page(
            request, number, Form({}, {"": ["A door leads from or to this area: change the door first"]})
        )
    return go(request, _address(number), "The area was deleted.")


@post("/sites/{site_id:str}/forgive", name="console.areas.forgive", scopes=_COMMAND, **PAGE)
async def forgive(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Let everybody who is in pass again, wherever they were last seen to go."""
    await sent(request)
    number = path_id(site_id)
    forgiven = await perform(request, lambda tx, by, now: forgive_at_site(tx, by.account_id, number, now, by=by))
    return go(request, _address(number), f"{forgiven} may pass again, wherever they are.")


def _address(site_id: int) -> str:
    return f"/console/sites/{site_id}/areas"


async def _page(request: Request[Any, Any, Any], site_id: int, form: Form) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        site = get_site(transaction, principal.account_id, site_id, by=principal)
        found = occupancy_at(transaction, principal.account_id, [site_id], Page(1, _NAMED))
        areas = [area for _, area in found]
        return {
            "site": site,
            "areas": areas,
            "names": {area.area_id: area.area_name for area in areas},
            "doors": transaction.all(_LEADING, the_site=site_id, **visible_to(principal)) if areas else [],
        }

    status = 422 if form.errors else 200
    return await show(request, "areas/areas.html", read, status=status, form=form)


HANDLERS = (areas_page, create, update, remove, forgive)
