"""What is asked before a door is told something, in a dialog or on a page of its own, and what the answers mean."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.response.base import ASGIResponse
from sqlalchemy import bindparam, select

from doorward.channels.lockdown import DEFAULTS
from doorward.console.doors.parts import LOOKS
from doorward.console.doors.reading import Door, get_door
from doorward.console.forms import Form, Sent
from doorward.console.page import show
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.kit.fields import REQUIRED
from doorward.kit.timestamps import (
    InvalidTimestamp,
    day_bounds,
    format_instant,
    local_datetime,
    parse_instant,
)
from doorward.oauth.principal import Principal
from doorward.shifts.tables import shifts

LOCKDOWN: Final[Mapping[str, bool]] = DEFAULTS
"""How the form of a lockdown begins: as the API's does."""
_HOUR_MS: Final = 3_600_000
_MOST_SHIFTS: Final = 200

_SHIFTS: Final = Query(
    select(shifts.c.id, shifts.c.name)
    .where(shifts.c.account_id == bindparam("account_id"), shifts.c.starts_at.is_(None))
    .order_by(shifts.c.name_key, shifts.c.id)
    .limit(_MOST_SHIFTS),
    lambda the_id, name: (int(the_id), str(name)),
)

Question = Literal["unlock", "lockdown", "auto_unlock"]


def relock_at(form: Sent, zone: ZoneInfo, now: int) -> str | None:
    """When an unlocked door is to lock by itself, of what was chosen; None: not by itself. Raises Invalid."""
    choice = form.text("choice")
    if choice == "hour":
        return format_instant(now + _HOUR_MS)
    if choice == "day":
        return format_instant(day_bounds(local_datetime(now, zone).date(), zone)[1])
    if choice == "open":
        return None
    text = form.text("relock_at")
    if not text:
        raise Invalid({"relock_at": [REQUIRED]})
    try:
        return format_instant(parse_instant(text, zone))
    except InvalidTimestamp as error:
        raise Invalid({"relock_at": [str(error)]}) from None


def shift_choices(transaction: Transaction, principal: Principal) -> list[tuple[int, str]]:
    """The shifts that a door can unlock by, by name; one of a reservation goes with that."""
    return transaction.all(_SHIFTS, account_id=principal.account_id)


def form_of_shift(door: Door) -> Form:
    """The form of the shift as it is set."""
    return Form({"shift_id": door.channel.auto_unlock_shift_id})


async def ask_again(request: Request[Any, Any, Any], number: int, what: Question, form: Form | None) -> ASGIResponse:
    """The question as a page of its own, with what is wrong; without a form, as it is set now."""

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        door = get_door(transaction, principal, number, now)
        return {
            "door": door,
            "form": form or form_of_shift(door),
            "shifts": shift_choices(transaction, principal) if what == "auto_unlock" else [],
        }

    status = 422 if form is not None and form.errors else 200
    return await show(request, "doors/ask.html", read, status=status, what=what, **LOOKS)
