"""The pages of /console/holidays: the list of a year, and one holiday."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.holidays.reading import SeenHoliday, find_holiday, holidays_of, sites_of
from doorward.console.page import go, show
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Invalid, NotFound
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.shifts.holidays import Holiday, add_holiday, remove_holiday
from doorward.wire.changes import perform
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import path_id

_READ: Final = ("account.shift.readonly",)
_WRITE: Final = ("account.shift",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
LIST: Final = "/console/holidays"
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2100


@get("/holidays", name="console.holidays", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The holidays of a year."""
    year = year_asked(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        today = local_datetime(now, principal.zone).date()
        shown = [(each, date.fromisoformat(each.day)) for each in holidays_of(transaction, principal, year)]
        return {"holidays": shown, "today": today}

    earlier = year - 1 if year > _FIRST_YEAR else None
    later = year + 1 if year < _LAST_YEAR else None
    return await show(request, "holidays/list.html", read, year=year, earlier=earlier, later=later)


def year_asked(request: Request[Any, Any, Any]) -> int:
    """The year in the address; this one, by the account's zone, without. Raises BadRequest."""
    text = request.query_params.get("year", "")
    if not text:
        return local_datetime(context_of(request).clock.now(), principal_of(request).zone).year
    if not (text.isascii() and text.isdigit() and len(text) == 4 and _FIRST_YEAR <= int(text) <= _LAST_YEAR):
        raise BadRequest(f"The parameter year must be between {_FIRST_YEAR} and {_LAST_YEAR}")
    return int(text)


@get("/holidays/new", name="console.holidays.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    return await _form(request, Form(), None)


@post("/holidays/new", name="console.holidays.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a holiday."""
    form = await sent(request)
    body = _body(form)
    try:
        made = await perform(request, lambda tx, by, now: add_holiday(tx, by.account_id, body, now, by=by))
    except Invalid as error:
        return await _form(request, again(form, error), None)
    return go(request, _year(made.day), f"{made.name} was added.")


@get("/holidays/{holiday_id:str}", name="console.holiday", scopes=_READ, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], holiday_id: FromPath[str]) -> ASGIResponse:
    """A holiday."""
    return await _form(request, None, path_id(holiday_id))


@post("/holidays/{holiday_id:str}", name="console.holiday.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], holiday_id: FromPath[str]) -> ASGIResponse:
    """Put another holiday in the place of one: a holiday is nothing but its day, its name and its site."""
    form, number = await sent(request), path_id(holiday_id)
    body = _body(form)

    def replace(transaction: Transaction, by: Principal, now: int) -> Holiday:
        remove_holiday(transaction, by.account_id, number, now, by=by)
        return add_holiday(transaction, by.account_id, body, now, by=by)

    try:
        changed = await perform(request, replace)
    except Invalid as error:
        return await _form(request, again(form, error), number)
    return go(request, _year(changed.day), f"{changed.name} was saved.")


@post("/holidays/{holiday_id:str}/delete", name="console.holiday.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], holiday_id: FromPath[str]) -> ASGIResponse:
    """Delete a holiday."""
    await sent(request)
    number = path_id(holiday_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> SeenHoliday:
        found = find_holiday(transaction, by, number)
        if found is None:
            raise NotFound
        remove_holiday(transaction, by.account_id, number, now, by=by)
        return found

    gone = await perform(request, delete_it)
    return go(request, _year(gone.day), f"{gone.name} was deleted.")


def _body(form: Sent) -> dict[str, object]:
    return form.body(texts=("day", "name"), numbers=("site_id",))


def _year(day: str) -> str:
    return f"{LIST}?year={day[:4]}"


async def _form(request: Request[Any, Any, Any], form: Form | None, holiday_id: int | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        holiday = None if holiday_id is None else find_holiday(transaction, principal, holiday_id)
        if holiday is None and holiday_id is not None:
            raise NotFound
        return {
            "holiday": holiday,
            "form": form or Form({} if holiday is None else holiday._asdict()),
            "sites": sites_of(transaction, principal),
        }

    return await show(request, "holidays/form.html", read, status=422 if form and form.errors else 200)


HANDLERS = (list_page, new_page, create, edit_page, update, remove)
