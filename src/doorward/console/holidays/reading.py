"""What the pages of holidays read: by year, with the names of the sites."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, or_, select

from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.shifts.tables import holidays
from doorward.sites.sight import SITE_VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.users.tables import user_sites


class SeenHoliday(NamedTuple):
    """A holiday, and where it is one; without a site, at every one."""

    id: int
    day: str
    name: str
    site_id: int | None
    site_name: str | None


class SiteName(NamedTuple):
    """A site that the user sees."""

    id: int
    name: str


_OF_USER: Final = select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))
_SEEN: Final = and_(
    holidays.c.account_id == bindparam("account_id"),
    or_(bindparam("site_limited") == 0, holidays.c.site_id.is_(None), holidays.c.site_id.in_(_OF_USER)),
)
_SELECT: Final = (
    select(holidays.c.id, holidays.c.day, holidays.c.name, holidays.c.site_id, sites.c.name)
    .select_from(holidays.outerjoin(sites, sites.c.id == holidays.c.site_id))
    .where(_SEEN)
)
_OF_YEAR: Final = Query(
    _SELECT.where(holidays.c.day.between(bindparam("first"), bindparam("last"))).order_by(
        holidays.c.day, sites.c.name, holidays.c.id
    ),
    SeenHoliday,
)
_ONE: Final = Query(_SELECT.where(holidays.c.id == bindparam("the_id")), SeenHoliday)
_SITES: Final = Query(
    select(sites.c.id, sites.c.name).where(SITE_VISIBLE).order_by(sites.c.name, sites.c.id),
    SiteName,
)
_DAYS_AT: Final = Query(
    select(holidays.c.day).where(
        holidays.c.account_id == bindparam("account_id"),
        or_(
            holidays.c.site_id == bindparam("the_site"),
            and_(bindparam("everywhere") == 1, holidays.c.site_id.is_(None)),
        ),
    ),
    word,
)


def holidays_of(transaction: Transaction, principal: Principal, year: int) -> list[SeenHoliday]:
    """The holidays of a year that the user sees, by day."""
    first, last = f"{year:04}-01-01", f"{year:04}-12-31"
    return transaction.all(_OF_YEAR, first=first, last=last, **visible_to(principal))


def find_holiday(transaction: Transaction, principal: Principal, holiday_id: int) -> SeenHoliday | None:
    """One holiday that the user sees; None where there is none."""
    return transaction.one(_ONE, the_id=holiday_id, **visible_to(principal))


def sites_of(transaction: Transaction, principal: Principal) -> list[SiteName]:
    """The sites that the user sees, by name."""
    return transaction.all(_SITES, **visible_to(principal))


def days_at(transaction: Transaction, account_id: int, site_id: int | None) -> set[str]:
    """The days that are holidays for exactly this site, or exactly for all."""
    return set(transaction.all(_DAYS_AT, account_id=account_id, the_site=site_id, everywhere=int(site_id is None)))
