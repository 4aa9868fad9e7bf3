"""Routes about where people are: who is inside, and forgiving them for anti-passback."""

from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.people.presence import Occupancy, forgive_at_site, forgive_person, occupancy
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Parameter, Result
from doorward.wire.queries import path_id, short_page_of
from doorward.wire.responses import encoded, encoded_response

_COMMAND: Final = ("account.channel.admit",)
_PER_AREA: Final = 100
_MOST_PER_AREA: Final = 1000


class PersonInside(Struct, frozen=True, gc=False):
    """Somebody who was last seen to go into the area, and when."""

    id: Id
    name: str
    since: str


class AreaOccupancy(Struct, frozen=True, gc=False):
    """An area, how many people are in it, and some of them, who came last first."""

    area_id: Id
    name: str
    count: int
    people: list[PersonInside]


class SiteOccupancy(Struct, frozen=True, gc=False):
    """How many people are in the areas of a site, in all and in each."""

    site_id: Id
    count: int
    areas: list[AreaOccupancy]


class Forgiven(Struct, frozen=True):
    """How many people were forgiven."""

    forgiven: int


_PAGING: Final = (
    Parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page of each area's people, from 1."),
    Parameter(
        "n",
        {"type": "integer", "minimum": 1, "default": _PER_AREA},
        f"How many people of each area; over {_MOST_PER_AREA} counts as {_MOST_PER_AREA}.",
    ),
)
_OCCUPANCY: Final = Docs(
    "See who is in the areas of a site",
    {200: SiteOccupancy},
    parameters=_PAGING,
    ours=True,
    description="By the doors that lead from one area to another: whoever follows somebody through is not seen. Who "
    "was forgiven is not in it until a door sees them again, nor is anybody who is deleted.",
)
_FORGIVE: Final = Docs(
    "Forgive a person for anti-passback",
    {200: Result},
    ours=True,
    description="They may pass as if no door had seen them yet; within a second at every door that is in contact.",
)
_FORGIVE_AT_SITE: Final = Docs(
    "Forgive everybody in the areas of a site for anti-passback",
    {200: Forgiven},
    ours=True,
    description="Of those who are outside by what the doors have seen nobody is forgiven: that is done one by one.",
)


def _body(site_id: int, found: list[Occupancy]) -> SiteOccupancy:
    listed = [
        AreaOccupancy(
            each.area_id,
            each.area_name,
            each.total,
            [PersonInside(person.id, person.name, format_instant(person.since)) for person in each.people],
        )
        for each in found
    ]
    return SiteOccupancy(site_id, sum(each.count for each in listed), listed)


@get("/sites/{site_id:str}/occupancy", name="getOccupancy", scopes=("account.reports.readonly",), docs=_OCCUPANCY)
async def see(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Who is in the areas of a site."""
    context, principal, site = context_of(request), principal_of(request), path_id(site_id)
    page = short_page_of(request.query_params, default=_PER_AREA, largest=_MOST_PER_AREA)

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(site, occupancy(transaction, principal.account_id, site, page, by=principal)))

    return encoded_response(await context.database.read(read))


@post("/people/{person_id:str}/forgive", name="forgivePerson", scopes=_COMMAND, docs=_FORGIVE)
async def forgive(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Forgive a person."""
    person = path_id(person_id)

    def forgive_them(transaction: Transaction, by: Principal, now: int) -> Answer:
        forgive_person(transaction, by.account_id, person, now, by=by)
        return OK

    return await change(request, forgive_them)


@post("/sites/{site_id:str}/forgive", name="forgiveSite", scopes=_COMMAND, docs=_FORGIVE_AT_SITE)
async def forgive_site(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Forgive everybody at a site."""
    site = path_id(site_id)

    def forgive_all(transaction: Transaction, by: Principal, now: int) -> Answer:
        return answer(Forgiven(forgive_at_site(transaction, by.account_id, site, now, by=by)))

    return await change(request, forgive_all)


router = Router("/api/3", route_handlers=[see, forgive, forgive_site])
