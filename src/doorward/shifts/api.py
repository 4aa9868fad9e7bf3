"""Routes and wire shapes of /api/3/shifts."""

from typing import Any, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant, format_optional
from doorward.oauth.principal import Principal
from doorward.shifts.service import Shift, create_shift, delete_shift, get_shift, page_of_shifts, update_shift
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Result, paging
from doorward.wire.queries import page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
HolidayRule = Literal["ignore", "replace"]


class Window(Struct, frozen=True, gc=False):
    """One window: on these days, from `start` until before `end`, local times such as 07:00.

    It crosses midnight if its end is not after its start; a whole day is 00:00 to 24:00.
    """

    days: list[str]
    start: str
    end: str


class WindowInput(Struct, frozen=True):
    """A window as it is asked for."""

    days: list[Day]
    start: str
    end: str


class ShiftBody(Struct, frozen=True, gc=False):
    """A shift on the wire: weekly windows, or the one stretch [starts_at, ends_at) of a reservation."""

    id: int
    name: str
    windows: list[Window]
    first_day: str | None
    last_day: str | None
    holidays: str
    starts_at: str | None
    ends_at: str | None
    created_at: str
    updated_at: str


class ShiftInput(Struct, frozen=True, omit_defaults=True):
    """What a shift is made of. Days are local dates; `holidays` says whether other windows count on holidays."""

    name: str
    windows: list[WindowInput]
    first_day: str | None = None
    last_day: str | None = None
    holidays: HolidayRule = "ignore"


class ShiftChange(Struct, frozen=True, omit_defaults=True):
    """What is to change of a shift; `windows` replaces."""

    name: str | UnsetType = UNSET
    windows: list[WindowInput] | UnsetType = UNSET
    first_day: str | UnsetType | None = UNSET
    last_day: str | UnsetType | None = UNSET
    holidays: HolidayRule | UnsetType = UNSET


_READ = ("account.shift.readonly",)
_WRITE = ("account.shift",)
_LIST = Docs(
    "List shifts, ordered by name, those of reservations among them",
    {200: list[ShiftBody]},
    parameters=paging(),
    paged=True,
    ours=True,
)
_GET = Docs("Get a shift", {200: ShiftBody}, ours=True)
_CREATE = Docs("Create a shift", {201: ShiftBody}, body=ShiftInput, ours=True)
_UPDATE = Docs("Change what is given of a shift", {200: ShiftBody}, body=ShiftChange, errors=(409,), ours=True)
_DELETE = Docs("Delete a shift that nothing uses", {200: Result}, errors=(409,), ours=True)


def _body(shift: Shift) -> ShiftBody:
    return ShiftBody(
        shift.id,
        shift.name,
        [Window(list(window.days), window.start, window.end) for window in shift.windows],
        shift.first_day,
        shift.last_day,
        shift.holidays,
        format_optional(shift.starts_at),
        format_optional(shift.ends_at),
        format_instant(shift.created_at),
        format_instant(shift.updated_at),
    )


@get("/shifts", name="listShifts", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List shifts, ordered by name."""
    context, principal = context_of(request), principal_of(request)
    page, now = page_of(request.query_params), context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = page_of_shifts(transaction, principal.account_id, page, now, by=principal)
        return encoded([_body(shift) for shift in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@get("/shifts/{shift_id:str}", name="getShift", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """One shift."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(shift_id)
    found = await context.database.read(
        lambda transaction: encoded(_body(get_shift(transaction, principal.account_id, number, by=principal)))
    )
    return encoded_response(found)


@post("/shifts", name="createShift", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a shift."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_shift(transaction, principal.account_id, body, now, by=principal)), 201)

    return await change(request, create_it)


@put("/shifts/{shift_id:str}", name="updateShift", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a shift."""
    number, body = path_id(shift_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(update_shift(transaction, principal.account_id, number, body, now, by=principal)))

    return await change(request, update_it)


@delete("/shifts/{shift_id:str}", name="deleteShift", scopes=_WRITE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], shift_id: FromPath[str]) -> ASGIResponse:
    """Delete a shift that nothing uses."""
    number = path_id(shift_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_shift(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_page, get_one, create, update, remove])
