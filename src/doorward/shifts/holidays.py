"""Holidays: local dates on which shifts may have other windows; at every site of the account, or at one."""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.db.ownership import Owned
from doorward.db.query import Query, number, word
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.pages import Page
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.shifts.public_holidays import Found, find_public_holidays
from doorward.shifts.tables import holidays
from doorward.sites.access import sites_of
from doorward.sites.tables import sites
from doorward.users.tables import user_sites

HOLIDAY: Final = "holiday"
FIRST_DAY: Final = "0000-01-01"
LAST_DAY: Final = "9999-12-31"


class Holiday(NamedTuple):
    """One day, as 2024-12-25, local; `site_id` None: at every site."""

    id: int
    account_id: int
    site_id: int | None
    day: str
    name: str


class Imported(NamedTuple):
    """What an import did: how many days are new, and how many were holidays there already and stay as they were."""

    added: int
    present: int


_HOLIDAYS: Final = Rows(holidays, Holiday)
_OF_ACCOUNT: Final = holidays.c.account_id == bindparam("account_id")
_AT_SITE: Final[ColumnElement[bool]] = or_(
    holidays.c.site_id == bindparam("the_site"),
    and_(bindparam("everywhere") == 1, holidays.c.site_id.is_(None)),
)


def _listed(*limits: ColumnElement[bool]) -> ColumnElement[bool]:
    between = holidays.c.day.between(bindparam("first_day"), bindparam("last_day"))
    return and_(_OF_ACCOUNT, between, *limits)


def _page(*limits: ColumnElement[bool]) -> Query[Holiday]:
    return Query(
        select(*_HOLIDAYS.columns)
        .where(_listed(*limits))
        .order_by(holidays.c.day, holidays.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _HOLIDAYS.of,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(holidays).where(_listed(*limits)), number)


_AT_SITES_OF_USER: Final = or_(
    holidays.c.site_id.is_(None),
    holidays.c.site_id.in_(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))),
)
_PAGE: Final = {False: _page(), True: _page(_AT_SITES_OF_USER)}
_COUNT: Final = {False: _count(), True: _count(_AT_SITES_OF_USER)}
"""By whether the user is limited to sites."""

_DAYS: Final = Query(select(holidays.c.day).where(_OF_ACCOUNT, _AT_SITE), word)
_TO_CHANGE: Final = Query(
    select(*_HOLIDAYS.columns).where(_OF_ACCOUNT, holidays.c.id == bindparam("the_id")).with_for_update(), _HOLIDAYS.of
)
_REMOVE: Final = Query[None](delete(holidays).where(holidays.c.id == bindparam("the_id")))

_SITES: Final = Owned(sites)


def add_holiday(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Holiday:
    """A new holiday: `day`, `name`, and `site_id` for one site only.

    Raises Invalid, or Forbidden for one at every site from a user who is limited to some.
    """
    fields = StructuredFields(body)
    day = fields.day("day", required=True) or ""
    name = fields.name("name", required=True) or ""
    site_id = _read_site(transaction, fields, account_id, by)
    if day and not fields.errors and day in _days(transaction, account_id, site_id):
        fields.complain("day", "is a holiday there already")
    fields.check()
    wanted = Holiday(0, account_id, site_id, day, name)
    added = wanted._replace(id=require(transaction.one(_HOLIDAYS.add, **_HOLIDAYS.params(wanted))))
    audit.created(transaction, account_id, HOLIDAY, added, now)
    changes.note(transaction, account_id, now)
    return added


def list_holidays(transaction: Transaction, account_id: int) -> list[Holiday]:
    """The account's holidays, by day."""
    return page_of_holidays(transaction, account_id, Page(paged=False))[0]


def page_of_holidays(
    transaction: Transaction,
    account_id: int,
    page: Page,
    *,
    first_day: str = FIRST_DAY,
    last_day: str = LAST_DAY,
    by: Principal | None = None,
) -> tuple[list[Holiday], int]:
    """A page of the holidays between two days, by day, and how many there are in all.

    A user who is limited to sites sees those of these and those of every site.
    """
    params = {"account_id": account_id, "first_day": first_day, "last_day": last_day}
    limited = by is not None and by.site_limited
    if by is not None and limited:
        params["user_id"] = by.user_id
    found = transaction.all(_PAGE[limited], limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT[limited], **params) or 0


def remove_holiday(
    transaction: Transaction, account_id: int, holiday_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a holiday. Raises NotFound, or Forbidden for one at every site and a user who is limited to some."""
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=holiday_id)
    limit = sites_of(transaction, by)
    if found is None or (limit is not None and found.site_id is not None and found.site_id not in limit):
        raise NotFound
    if limit is not None and found.site_id is None:
        raise Forbidden
    transaction.run(_REMOVE, the_id=holiday_id)
    audit.deleted(transaction, account_id, HOLIDAY, found, now)
    changes.note(transaction, account_id, now)


def import_holidays(
    transaction: Transaction,
    account_id: int,
    body: object,
    now: int,
    *,
    public: Found | None = None,
    by: Principal | None = None,
) -> Imported:
    """Add the public holidays of a country. Days that are holidays already stay as they are.

    `country` is its ISO 3166 code, `subdivision` the code of a part of it; `years` is a list, or `from` and `to` are
    days; `site_id` for one site only. `public` is what find_public_holidays() has found for the body, if it was asked
    before the transaction. Raises Invalid, or Forbidden as add_holiday() does.
    """
    fields = StructuredFields(body)
    found = public or find_public_holidays(body)
    for name, messages in found.errors.items():
        for message in messages:
            fields.complain(name, message)
    site_id = _read_site(transaction, fields, account_id, by)
    fields.check()
    there = _days(transaction, account_id, site_id)
    new = [Holiday(0, account_id, site_id, day, name) for day, name in found.days.items() if day not in there]
    for each in new:
        added = each._replace(id=require(transaction.one(_HOLIDAYS.add, **_HOLIDAYS.params(each))))
        audit.created(transaction, account_id, HOLIDAY, added, now)
    if new:
        changes.note(transaction, account_id, now)
    return Imported(len(new), len(found.days) - len(new))


def _read_site(transaction: Transaction, fields: StructuredFields, account_id: int, by: Principal | None) -> int | None:
    site_id = fields.identity("site_id")
    limit = sites_of(transaction, by)
    if limit is not None and site_id is None and "site_id" not in fields.errors:
        raise Forbidden
    _SITES.check_one(transaction, account_id, fields, "site_id", site_id)
    if limit is not None and site_id is not None and site_id not in limit and "site_id" not in fields.errors:
        fields.complain("site_id", "Not found for this account")
    return site_id


def _days(transaction: Transaction, account_id: int, site_id: int | None) -> set[str]:
    """The days that are holidays for exactly this site, or exactly for all; none is added until the commit."""
    transaction.serialize(f"holidays {account_id}")
    found = transaction.all(_DAYS, account_id=account_id, the_site=site_id, everywhere=int(site_id is None))
    return set(found)
