"""The pages of /console/shifts."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, again, sent
from doorward.console.last_change import last_change
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.shifts.forms import body_of, shown_again, values_of
from doorward.console.shifts.looking_ahead import LookingAhead, ahead_of, asked_ahead
from doorward.console.shifts.reading import page_of_shifts, sites_of, users_of
from doorward.console.shifts.week import NAMED_DAYS, bars_of, words_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid
from doorward.oauth.principal import Principal
from doorward.shifts.service import Shift, create_shift, delete_shift, get_shift, update_shift
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.shift.readonly",)
_WRITE: Final = ("account.shift",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/shifts"
_NEW: Final[Mapping[str, Any]] = {
    "holidays": "replace",
    "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}],
}
"""What an empty form begins with: a week that one changes is understood sooner than one without anything in it."""


@get("/shifts", name="console.shifts", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The shifts, each with a small picture of its week."""
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = page_of_shifts(transaction, principal, asked)
        return {
            "shifts": found,
            "bars": {shift.id: bars_of(shift.windows) for shift in found},
            "hours": {shift.id: words_of(shift.windows, holidays=shift.holidays) for shift in found},
            "paging": paging_of(request, asked, total),
        }

    return await show(request, "shifts/list.html", read)


@get("/shifts/new", name="console.shifts.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """A form with office hours to begin with."""
    return await _form(request, Form(_NEW), None)


@post("/shifts/new", name="console.shifts.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a shift."""
    form = await sent(request)
    body = body_of(form)
    try:
        made = await perform(request, lambda tx, by, now: create_shift(tx, by.account_id, body, now, by=by))
    except Invalid as error:
        return await _form(request, shown_again(form, error), None)
    return go(request, f"{_LIST}/{made.id}", f"{made.name} was added.")


@get("/shifts/{shift_id:str}", name="console.shift", scopes=_READ, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """A shift: its week, what it comes to, who uses it; to be changed by those who may."""
    return await _form(request, None, path_id(shift_id))


@post("/shifts/{shift_id:str}", name="console.shift.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """Change a shift."""
    form, number = await sent(request), path_id(shift_id)
    body = body_of(form)
    try:
        changed = await perform(request, lambda tx, by, now: update_shift(tx, by.account_id, number, body, now, by=by))
    except (Invalid, Conflict) as error:
        return await _form(request, shown_again(form, error), number)
    return go(request, f"{_LIST}/{number}", f"{changed.name} was saved.")


@post("/shifts/{shift_id:str}/delete", name="console.shift.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """Delete a shift that nothing uses."""
    form, number = await sent(request), path_id(shift_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_shift(transaction, by.account_id, number, by=by).name
        delete_shift(transaction, by.account_id, number, now, by=by)
        return name

    try:
        name = await perform(request, delete_it)
    except Conflict as error:
        return await _form(request, again(form, error), number)
    return go(request, _LIST, f"{name} was deleted.")


async def _form(request: Request[Any, Any, Any], form: Form | None, shift_id: int | None) -> ASGIResponse:
    asked = asked_ahead(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        shift = None if shift_id is None else get_shift(transaction, principal.account_id, shift_id, by=principal)
        users = [] if shift_id is None else users_of(transaction, principal, shift_id)
        # After a refused deletion there is nothing in the form but the token.
        shown = form if form and "windows" in form.values else Form(_values(shift), form.errors if form else {})
        ahead: LookingAhead | None = None
        if shift is None or shift.starts_at is None:
            ahead = ahead_of(transaction, principal, asked, shown.values, now)
        return {
            "shift": shift,
            "last": None if shift is None else last_change(transaction, principal, "shift", shift.id),
            "form": shown,
            "roles": [user for user in users if user.kind == "role"],
            "doors": [user for user in users if user.kind == "door"],
            "bars": [] if shift is None else bars_of(shift.windows),
            "hours": [] if shift is None else words_of(shift.windows, holidays=shift.holidays),
            "ahead": ahead,
            "sites": sites_of(transaction, principal) if ahead is None else ahead.sites,
        }

    status = 422 if form and form.errors else 200
    return await show(request, "shifts/form.html", read, status=status, days=NAMED_DAYS)


def _values(shift: Shift | None) -> Mapping[str, Any]:
    return {} if shift is None else values_of(shift)


HANDLERS = (list_page, new_page, create, edit_page, update, remove)
