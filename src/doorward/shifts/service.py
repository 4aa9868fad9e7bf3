"""Shifts: when roles grant and doors stand open by themselves. Weekly windows in the site's local time.

A reservation's shift is one stretch of time. It is listed with the others, but belongs to its reservation: nothing else
can use it, and it is neither changed nor deleted here.
"""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, or_, select

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, Forbidden, NotFound
from doorward.kit.pages import Page
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.roles.tables import role_channels, roles
from doorward.shifts.tables import shifts
from doorward.shifts.windows import DayWindow, read_windows
from doorward.users.tables import user_sites

SHIFT: Final = "shift"
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

# A reservation's shift is seen by whom the reservation's role is.
_AT_SITES_OF_USER: Final = or_(
    shifts.c.starts_at.is_(None),
    exists(
        select(roles.c.id)
        .join(role_channels, role_channels.c.role_id == roles.c.id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .join(user_sites, user_sites.c.site_id == channels.c.site_id)
        .where(roles.c.shift_id == shifts.c.id, user_sites.c.user_id == bindparam("user_id"))
    ),
)


def _listed(*limits: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(_OF_ACCOUNT, or_(shifts.c.ends_at.is_(None), shifts.c.ends_at > bindparam("now")), *limits)


def _page(*limits: ColumnElement[bool]) -> Query[Shift]:
    return Query(
        select(*_SHIFTS.columns)
        .where(_listed(*limits))
        .order_by(shifts.c.name_key, shifts.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _SHIFTS.of,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(shifts).where(_listed(*limits)), number)


_PAGE: Final = {False: _page(), True: _page(_AT_SITES_OF_USER)}
_COUNT: Final = {False: _count(), True: _count(_AT_SITES_OF_USER)}
_ONE: Final = {
    False: Query(select(*_SHIFTS.columns).where(_OF_ACCOUNT, shifts.c.id == bindparam("the_id")), _SHIFTS.of),
    True: Query(
        select(*_SHIFTS.columns).where(_OF_ACCOUNT, shifts.c.id == bindparam("the_id"), _AT_SITES_OF_USER), _SHIFTS.of
    ),
}
"""By whether the user is limited to sites."""

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


def create_shift(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Shift:
    """A new shift: `name`, `windows`, and optionally `first_day`, `last_day`, `holidays`.

    Raises Invalid, or Forbidden for a user who is limited to sites.
    """
    fields = StructuredFields(body)
    _require_whole_account(by)
    nothing = Shift(0, account_id, "", "", (), None, None, HOLIDAY_RULES[0], None, None, now, now)
    wanted = _read(fields, nothing)
    fields.check()
    made = wanted._replace(id=require(transaction.one(_SHIFTS.add, **_SHIFTS.params(wanted))))
    audit.created(transaction, account_id, SHIFT, made, now)
    return made


def update_shift(
    transaction: Transaction, account_id: int, shift_id: int, body: object, now: int, *, by: Principal | None = None
) -> Shift:
    """Change what is given.

    Raises NotFound, Invalid, Conflict for a reservation's shift, or Forbidden for a user who is limited to sites.
    """
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, shift_id, by)
    wanted = _read(fields, found)._replace(updated_at=now)
    fields.check()
    transaction.run(_SHIFTS.change, the_id=shift_id, **_SHIFTS.params(wanted))
    audit.changed(transaction, account_id, SHIFT, found, wanted, now)
    users_of = transaction.all(_ROLES_WITH, the_id=shift_id), transaction.all(_CHANNELS_WITH, the_id=shift_id)
    for role_id in users_of[0]:
        changes.note(transaction, account_id, now, role_id=role_id)
    for channel_id in users_of[1]:
        changes.note(transaction, account_id, now, channel_id=channel_id)
    return wanted


def delete_shift(
    transaction: Transaction, account_id: int, shift_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a shift.

    Raises NotFound, Conflict while a role or a channel's auto-unlock uses it, or Forbidden for a user who is limited
    to sites.
    """
    found = _to_change(transaction, account_id, shift_id, by)
    role_id = transaction.one(_ROLES_WITH, the_id=shift_id)
    if role_id is not None:
        raise Conflict(f"The shift is used by the role {role_id}")
    channel_id = transaction.one(_CHANNELS_WITH, the_id=shift_id)
    if channel_id is not None:
        raise Conflict(f"The shift is used by the auto-unlock of channel {channel_id}")
    transaction.run(_REMOVE, the_id=shift_id)
    audit.deleted(transaction, account_id, SHIFT, found, now)


def get_shift(transaction: Transaction, account_id: int, shift_id: int, *, by: Principal | None = None) -> Shift:
    """One shift. Raises NotFound."""
    params = {"account_id": account_id, "the_id": shift_id}
    found = transaction.one(_ONE[_limited(by)], **params, **_who(by))
    if found is None:
        raise NotFound
    return found


def list_shifts(transaction: Transaction, account_id: int, now: int = 0) -> list[Shift]:
    """The account's shifts, by name and then by id, without those of reservations that have ended by `now`."""
    return page_of_shifts(transaction, account_id, Page(paged=False), now)[0]


def page_of_shifts(
    transaction: Transaction, account_id: int, page: Page, now: int, *, by: Principal | None = None
) -> tuple[list[Shift], int]:
    """A page of them, and how many there are in all.

    A user who is limited to sites does not see the shifts of reservations of doors elsewhere.
    """
    params = {"account_id": account_id, "now": now, **_who(by)}
    found = transaction.all(_PAGE[_limited(by)], limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT[_limited(by)], **params) or 0


def _limited(by: Principal | None) -> bool:
    return by is not None and by.site_limited


def _who(by: Principal | None) -> dict[str, int]:
    return {"user_id": by.user_id} if by is not None and by.site_limited else {}


def _require_whole_account(by: Principal | None) -> None:
    """A shift is the whole account's: who answers for some sites only does not change what opens doors elsewhere."""
    if _limited(by):
        raise Forbidden


def _to_change(transaction: Transaction, account_id: int, shift_id: int, by: Principal | None) -> Shift:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=shift_id)
    if found is None:
        raise NotFound
    _require_whole_account(by)
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
