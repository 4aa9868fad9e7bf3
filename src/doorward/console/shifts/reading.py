"""What the pages of shifts read beside the shifts themselves."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, exists, func, literal_column, or_, select, union_all

from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.roles.tables import role_channels, roles
from doorward.shifts.tables import holidays, shifts
from doorward.shifts.windows import DayWindow
from doorward.sites.sight import SITE_VISIBLE, VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.users.tables import user_sites


class ListedShift(NamedTuple):
    """A shift in the list, and by how much it is used."""

    id: int
    name: str
    windows: tuple[DayWindow, ...]
    holidays: str
    first_day: str | None
    last_day: str | None
    roles: int
    doors: int
    total: int


class User(NamedTuple):
    """What uses a shift: a role, or a door that it unlocks."""

    kind: str
    id: int
    name: str


class SiteZone(NamedTuple):
    """A site, and the name of its zone."""

    id: int
    name: str
    zone: str


# A role that a user who is limited to sites sees names a channel there.
_ROLE_SEEN: Final = or_(
    bindparam("site_limited") == 0,
    exists(
        select(role_channels.c.role_id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .join(user_sites, user_sites.c.site_id == channels.c.site_id)
        .where(role_channels.c.role_id == roles.c.id, user_sites.c.user_id == bindparam("user_id"))
    ),
)


def _listed(shift_id: int, name: str, windows: str, *rest: Any) -> ListedShift:
    return ListedShift(shift_id, name, _windows(windows), *rest)


def _windows(stored: str) -> tuple[DayWindow, ...]:
    return tuple(DayWindow(tuple(each["days"]), each["start"], each["end"]) for each in json.loads(stored))


_PAGE: Final = Query(
    select(
        shifts.c.id,
        shifts.c.name,
        shifts.c.windows,
        shifts.c.holidays,
        shifts.c.first_day,
        shifts.c.last_day,
        select(func.count()).where(roles.c.shift_id == shifts.c.id, _ROLE_SEEN).scalar_subquery(),
        select(func.count()).where(channels.c.auto_unlock_shift_id == shifts.c.id, VISIBLE).scalar_subquery(),
        func.count().over(),
    )
    .where(shifts.c.account_id == bindparam("account_id"), shifts.c.starts_at.is_(None))
    .order_by(shifts.c.name_key, shifts.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    _listed,
)
_USERS: Final = Query(
    union_all(
        select(literal_column("'role'"), roles.c.id, roles.c.name).where(
            roles.c.account_id == bindparam("account_id"), roles.c.shift_id == bindparam("shift_id"), _ROLE_SEEN
        ),
        select(literal_column("'door'"), channels.c.id, channels.c.name).where(
            channels.c.auto_unlock_shift_id == bindparam("shift_id"), VISIBLE
        ),
    ),
    User,
)
_SITES: Final = Query(
    select(sites.c.id, sites.c.name, func.coalesce(sites.c.time_zone, bindparam("account_zone")))
    .where(
        SITE_VISIBLE,
    )
    .order_by(sites.c.name, sites.c.id),
    SiteZone,
)
_HOLIDAYS: Final = Query(
    select(holidays.c.day, holidays.c.name).where(
        and_(
            holidays.c.account_id == bindparam("account_id"),
            or_(holidays.c.site_id.is_(None), holidays.c.site_id == bindparam("the_site")),
        )
    ),
    lambda day, name: (date.fromisoformat(day), name),
)


def page_of_shifts(transaction: Transaction, principal: Principal, page: Page) -> tuple[list[ListedShift], int]:
    """A page of the shifts, by name, and how many there are; those of reservations go with these and are left out."""
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, **visible_to(principal))
    return found, found[0].total if found else page.offset


def users_of(transaction: Transaction, principal: Principal, shift_id: int) -> list[User]:
    """The roles and doors, of those that the user sees, that go by a shift."""
    found = transaction.all(_USERS, shift_id=shift_id, **visible_to(principal))
    return sorted(found, key=lambda user: (user.name.casefold(), user.id))


def sites_of(transaction: Transaction, principal: Principal) -> list[SiteZone]:
    """The sites that the user sees, by name."""
    return transaction.all(_SITES, account_zone=principal.zone.key, **visible_to(principal))


def holidays_at(transaction: Transaction, account_id: int, site_id: int | None) -> Mapping[date, str]:
    """The holidays at a site by their days; with None, those of every site."""
    return dict(transaction.all(_HOLIDAYS, account_id=account_id, the_site=site_id))


def zone_of(site: SiteZone | None, principal: Principal) -> ZoneInfo:
    """A site's zone, the account's without a site."""
    return principal.zone if site is None else ZoneInfo(site.zone)
