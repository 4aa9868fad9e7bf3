"""Shifts: when roles grant and doors stand open by themselves. Weekly windows in the site's local time.

A reservation's shift is one stretch of time. It is listed with the others, but belongs to its reservation: nothing else
can use it, and it is neither changed nor deleted here.
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, or_, select

from doorward.changes import service as changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.roles.tables import roles
from doorward.shifts.tables import shifts
from doorward.shifts.windows import DayWindow, read_windows

HOLIDAY_RULES: Final = ("ignore", "replace")


class Shift(NamedTuple):
    """A shift: windows (as they are written), between two local dates if given; or the stretch [starts_at, ends_at)."""

    id: int
    account_id: int
    name: str
    name_key: str
    windows: tuple[DayWindow, ...]
    first_day: str | None
    last_day: str | None
    holidays: str
    starts_at: int | None
    ends_at: int | None
    created_at: int
    updated_at: int


_SHIFTS: Final = Rows(shifts, Shift)
_OF_ACCOUNT: Final = shifts.c.account_id == bindparam("account_id")

_ALL: Final = Query(
    select(*_SHIFTS.columns)
    .where(_OF_ACCOUNT, or_(shifts.c.ends_at.is_(None), shifts.c.ends_at > bindparam("now")))
    .order_by(shifts.c.name_key, shifts.c.id),
    _SHIFTS.of,
)
_ONE: Final = Query(select(*_SHIFTS.columns).where(_OF_ACCOUNT, shifts.c.id == bindparam("the_id")), _SHIFTS.of)
# Nobody can begin to use the shift while this lock is held.
_TO_CHANGE: Final = Query(
    select(*_SHIFTS.columns).where(_OF_ACCOUNT, shifts.c.id == bindparam("the_id")).with_for_update(),
    _SHIFTS.of,
)
_ROLES_WITH: Final = Query(
    select(roles.c.id).where(roles.c.shift_id == bindparam("the_id")).order_by(roles.c.id), number
)
_CHANNELS_WITH: Final = Query(
    select(channels.c.id).where(channels.c.auto_unlock_shift_id == bindparam("the_id")).order_by(channels.c.id), number
)
_REMOVE: Final = Query[None](delete(shifts).where(shifts.c.id == bindparam("the_id")))


def create_shift(transaction: Transaction, account_id: int, body: object, now: int) -> Shift:
    """A new shift: `name`, `windows`, and optionally `first_day`, `last_day`, `holidays`. Raises Invalid."""
    fields = StructuredFields(body)
    nothing = Shift(0, account_id, "", "", (), None, None, HOLIDAY_RULES[0], None, None, now, now)
    wanted = _read(fields, nothing)
    fields.check()
    return wanted._replace(id=require(transaction.one(_SHIFTS.add, **_SHIFTS.params(wanted))))


def update_shift(transaction: Transaction, account_id: int, shift_id: int, body: object, now: int) -> Shift:
    """Change what is given. Raises NotFound, Invalid, or Conflict for a reservation's shift."""
    fields = StructuredFields(body)
    wanted = _read(fields, _to_change(transaction, account_id, shift_id))._replace(updated_at=now)
    fields.check()
    transaction.run(_SHIFTS.change, the_id=shift_id, **_SHIFTS.params(wanted))
    for role_id in transaction.all(_ROLES_WITH, the_id=shift_id):
        changes.note(transaction, account_id, now, role_id=role_id)
    for channel_id in transaction.all(_CHANNELS_WITH, the_id=shift_id):
        changes.note(transaction, account_id, now, channel_id=channel_id)
    return wanted


def delete_shift(transaction: Transaction, account_id: int, shift_id: int) -> None:
    """Remove a shift. Raises NotFound, or Conflict while a role or a channel's auto-unlock uses it."""
    _to_change(transaction, account_id, shift_id)
    role_id = transaction.one(_ROLES_WITH, the_id=shift_id)
    if role_id is not None:
        raise Conflict(f"The shift is used by the role {role_id}")
    channel_id = transaction.one(_CHANNELS_WITH, the_id=shift_id)
    if channel_id is not None:
        raise Conflict(f"The shift is used by the auto-unlock of channel {channel_id}")
    transaction.run(_REMOVE, the_id=shift_id)


def get_shift(transaction: Transaction, account_id: int, shift_id: int) -> Shift:
    """One shift. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=shift_id)
    if found is None:
        raise NotFound
    return found


def list_shifts(transaction: Transaction, account_id: int, now: int = 0) -> list[Shift]:
    """The account's shifts, by name and then by id, without those of reservations that have ended by `now`."""
    return transaction.all(_ALL, account_id=account_id, now=now)


def _to_change(transaction: Transaction, account_id: int, shift_id: int) -> Shift:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=shift_id)
    if found is None:
        raise NotFound
    if found.starts_at is not None:
        raise Conflict("The shift belongs to a reservation")
    return found


def _read(fields: StructuredFields, before: Shift) -> Shift:
    wanted = before
    if not before.name or "name" in fields:
        name = fields.name("name", required=True) or ""
        wanted = wanted._replace(name=name, name_key=sort_key(name))
    if not before.windows or "windows" in fields:
        wanted = wanted._replace(windows=read_windows(fields, required=True))
    if "first_day" in fields:
        wanted = wanted._replace(first_day=fields.day("first_day"))
    if "last_day" in fields:
        wanted = wanted._replace(last_day=fields.day("last_day"))
    if "holidays" in fields:
        wanted = wanted._replace(holidays=fields.choice("holidays", HOLIDAY_RULES, required=True) or "")
    # Dates of this form sort as text.
    if wanted.first_day is not None and wanted.last_day is not None and wanted.last_day < wanted.first_day:
        fields.complain("last_day", "must not be before first_day")
    return wanted
