"""Routes and wire shapes of /api/3/holidays."""

import asyncio
from typing import Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.shifts.holidays import (
    FIRST_DAY,
    LAST_DAY,
    Holiday,
    add_holiday,
    import_holidays,
    page_of_holidays,
    remove_holiday,
)
from doorward.shifts.public_holidays import find_public_holidays, known_countries
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Parameter, Result, paging
from doorward.wire.queries import day_of, page_of, path_id
from doorward.wire.responses import encoded, json_response, page_response


class HolidayBody(Struct, frozen=True, gc=False):
    """A holiday on the wire: a local date, at one site or (null) at every one."""

    id: int
    site_id: int | None
    day: str
    name: str


class HolidayInput(Struct, frozen=True, omit_defaults=True):
    """What a holiday is made of."""

    day: str
    name: str
    site_id: Id | None = None


class ImportInput(Struct, frozen=True, omit_defaults=True, rename={"first": "from", "last": "to"}):
    """Whose public holidays are wanted, and of when: some years, or the days between two days, both included."""

    country: str
    subdivision: str | None = None
    years: list[int] | None = None
    first: str | None = None
    last: str | None = None
    site_id: Id | None = None


class ImportBody(Struct, frozen=True):
    """How many holidays are new, and how many were there already."""

    added: int
    present: int


class CountryBody(Struct, frozen=True, gc=False):
    """A country that can be imported, with the parts of it that have holidays of their own."""

    country: str
    subdivisions: list[str]


_READ = ("account.shift.readonly",)
_WRITE = ("account.shift",)
_DATE = {"type": "string", "format": "date"}
_LIST = Docs(
    "List holidays, by day",
    {200: list[HolidayBody]},
    parameters=(
        Parameter("from", _DATE, "Only on or after this day."),
        Parameter("to", _DATE, "Only on or before this day."),
        *paging(),
    ),
    paged=True,
    ours=True,
)
_CREATE = Docs("Add a holiday", {201: HolidayBody}, body=HolidayInput, ours=True)
_DELETE = Docs("Remove a holiday", {200: Result}, ours=True)
_IMPORT = Docs(
    "Add the public holidays of a country or of a part of it", {200: ImportBody}, body=ImportInput, ours=True
)
_COUNTRIES = Docs("List the countries whose public holidays can be imported", {200: list[CountryBody]}, ours=True)


def _body(holiday: Holiday) -> HolidayBody:
    return HolidayBody(holiday.id, holiday.site_id, holiday.day, holiday.name)


@get("/holidays", name="listHolidays", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List holidays, by day."""
    context, principal = context_of(request), principal_of(request)
    query = request.query_params
    page, first, last = page_of(query), day_of(query, "from") or FIRST_DAY, day_of(query, "to") or LAST_DAY

    def read(transaction: Transaction) -> tuple[bytes, int]:
        account_id = principal.account_id
        found, total = page_of_holidays(transaction, account_id, page, first_day=first, last_day=last, by=principal)
        return encoded([_body(holiday) for holiday in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@get("/holidays/countries", name="listHolidayCountries", scopes=_READ, docs=_COUNTRIES)
async def list_countries(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the countries whose public holidays can be imported, by code."""
    del request
    found = await asyncio.to_thread(known_countries)
    return json_response([CountryBody(country.code, list(country.subdivisions)) for country in found])


@post("/holidays", name="createHoliday", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a holiday."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(add_holiday(transaction, principal.account_id, body, now, by=principal)), 201)

    return await change(request, create_it)


@post("/holidays/import", name="importHolidays", scopes=_WRITE, status_code=200, docs=_IMPORT)
async def import_public(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add the public holidays of a country or of a part of it."""
    body = await read_json(request)
    public = await asyncio.to_thread(find_public_holidays, body)

    def import_them(transaction: Transaction, principal: Principal, now: int) -> Answer:
        done = import_holidays(transaction, principal.account_id, body, now, public=public, by=principal)
        return answer(ImportBody(done.added, done.present))

    return await change(request, import_them)


@delete("/holidays/{holiday_id:str}", name="deleteHoliday", scopes=_WRITE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], holiday_id: FromPath[str]) -> ASGIResponse:
    """Remove a holiday."""
    number = path_id(holiday_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        remove_holiday(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_page, list_countries, create, import_public, remove])
