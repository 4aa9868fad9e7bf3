"""Routes and wire shapes of /api/3/sites, and of the areas in them."""

from typing import Any

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.sites.areas import Area, areas_of_site, create_area, delete_area, update_area
from doorward.sites.service import Site, create_site, delete_site, get_site, page_of_sites, update_site
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Result, paging
from doorward.wire.queries import page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response


class SiteAddress(Struct, frozen=True, gc=False):
    """An IP address, or a range in CIDR."""

    ip_address: str


class SiteBody(Struct, frozen=True, gc=False):
    """A site on the wire (contract, Site); `ip_address` is the first of `site_ips`."""

    id: int
    name: str
    ip_address: str | None
    time_zone: str | None
    notes: str | None
    site_ips: list[SiteAddress]


class SiteInput(Struct, frozen=True, omit_defaults=True):
    """What a site is made of; without a time zone it is in the account's."""

    name: str
    time_zone: str | None = None
    notes: str | None = None
    site_ips: list[SiteAddress | str] | None = None


class SiteChange(Struct, frozen=True, omit_defaults=True):
    """What is to change of a site; `site_ips` replaces."""

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    site_ips: list[SiteAddress | str] | UnsetType | None = UNSET


class AreaBody(Struct, frozen=True, gc=False):
    """An area on the wire."""

    id: int
    site_id: int
    name: str
    created_at: str
    updated_at: str


class AreaInput(Struct, frozen=True):
    """What an area is made of."""

    name: str


_READ = ("account.site.readonly",)
_WRITE = ("account.site",)
_LIST = Docs("List sites", {200: list[SiteBody]}, parameters=paging(), paged=True)
_GET = Docs("Get a site", {200: SiteBody}, ours=True)
_CREATE = Docs("Create a site", {201: SiteBody}, body=SiteInput, ours=True)
_UPDATE = Docs("Change what is given of a site", {200: SiteBody}, body=SiteChange, ours=True)
_DELETE = Docs("Delete a site that has no channels", {200: Result}, errors=(409,), ours=True)
_AREAS = Docs("List the areas of a site", {200: list[AreaBody]}, ours=True)
_CREATE_AREA = Docs("Create an area of a site", {201: AreaBody}, body=AreaInput, ours=True)
_UPDATE_AREA = Docs("Rename an area", {200: AreaBody}, body=AreaInput, ours=True, tag="sites")
_DELETE_AREA = Docs(
    "Delete an area that no channel leads from or to", {200: Result}, errors=(409,), ours=True, tag="sites"
)


def _body(site: Site) -> SiteBody:
    addresses = [SiteAddress(address) for address in site.site_ips]
    first = site.site_ips[0] if site.site_ips else None
    return SiteBody(site.id, site.name, first, site.time_zone, site.notes, addresses)


def _area_body(area: Area) -> AreaBody:
    return AreaBody(area.id, area.site_id, area.name, format_instant(area.created_at), format_instant(area.updated_at))


@get("/sites", name="listSites", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List sites. Contract operation listSites."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = page_of_sites(transaction, principal.account_id, page, by=principal)
        return encoded([_body(site) for site in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@get("/sites/{site_id:str}", name="getSite", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """One site."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(site_id)
    found = await context.database.read(
        lambda transaction: encoded(_body(get_site(transaction, principal.account_id, number, by=principal)))
    )
    return encoded_response(found)


@post("/sites", name="createSite", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a site."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_site(transaction, principal.account_id, body, now, by=principal)), 201)

    return await change(request, create_it)


@put("/sites/{site_id:str}", name="updateSite", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a site."""
    number, body = path_id(site_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(update_site(transaction, principal.account_id, number, body, now, by=principal)))

    return await change(request, update_it)


@delete("/sites/{site_id:str}", name="deleteSite", scopes=_WRITE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Delete a site that has no channels."""
    number = path_id(site_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_site(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


@get("/sites/{site_id:str}/areas", name="listAreas", scopes=_READ, docs=_AREAS)
async def list_areas(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """List the areas of a site, oldest first."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(site_id)

    def read(transaction: Transaction) -> bytes:
        found = areas_of_site(transaction, principal.account_id, number, by=principal)
        return encoded([_area_body(area) for area in found])

    return encoded_response(await context.database.read(read))


@post("/sites/{site_id:str}/areas", name="createArea", scopes=_WRITE, docs=_CREATE_AREA)
async def create_one_area(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Create an area of a site."""
    number, body = path_id(site_id), await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = create_area(transaction, principal.account_id, number, body, now, by=principal)
        return answer(_area_body(made), 201)

    return await change(request, create_it)


@put("/areas/{area_id:str}", name="updateArea", scopes=_WRITE, docs=_UPDATE_AREA)
async def update_one_area(request: Request[Any, Any, Any], area_id: FromPath[str]) -> ASGIResponse:
    """Rename an area."""
    number, body = path_id(area_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_area_body(update_area(transaction, principal.account_id, number, body, now, by=principal)))

    return await change(request, update_it)


@delete("/areas/{area_id:str}", name="deleteArea", scopes=_WRITE, status_code=200, docs=_DELETE_AREA)
async def remove_area(request: Request[Any, Any, Any], area_id: FromPath[str]) -> ASGIResponse:
    """Delete an area that no channel leads from or to."""
    number = path_id(area_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_area(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


router = Router(
    "/api/3",
    route_handlers=[
        list_page,
        get_one,
        create,
        update,
        remove,
        list_areas,
        create_one_area,
        update_one_area,
        remove_area,
    ],
)
