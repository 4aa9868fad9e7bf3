"""Holidays: local dates on which shifts may have other windows; at every site of the account, or at one."""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select

from doorward.changes import service as changes
from doorward.db.ownership import Owned
from doorward.db.query import Query, word
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.shifts.tables import holidays
from doorward.sites.tables import sites

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_MOST_YEARS: Final = 10
_LONGEST_NAME: Final = 255


class Holiday(NamedTuple):
    """One day, as 2024-12-25, local; `site_id` None: at every site."""

    id: int
    account_id: int
    site_id: int | None
    day: str
    name: str


_HOLIDAYS: Final = Rows(holidays, Holiday)
_OF_ACCOUNT: Final = holidays.c.account_id == bindparam("account_id")
_AT_SITE: Final[ColumnElement[bool]] = or_(
    holidays.c.site_id == bindparam("the_site"),
    and_(bindparam("everywhere") == 1, holidays.c.site_id.is_(None)),
)

_ALL: Final = Query(select(*_HOLIDAYS.columns).where(_OF_ACCOUNT).order_by(holidays.c.day, holidays.c.id), _HOLIDAYS.of)
_DAYS: Final = Query(select(holidays.c.day).where(_OF_ACCOUNT, _AT_SITE), word)
_REMOVE: Final = Query[None](delete(holidays).where(_OF_ACCOUNT, holidays.c.id == bindparam("the_id")))

_SITES: Final = Owned(sites)


def add_holiday(transaction: Transaction, account_id: int, body: object, now: int) -> Holiday:
    """A new holiday: `day`, `name`, and `site_id` for one site only. Raises Invalid."""
    fields = StructuredFields(body)
    day = fields.day("day", required=True) or ""
    name = fields.name("name", required=True) or ""
    site_id = _read_site(transaction, fields, account_id)
    if day and not fields.errors and day in _days(transaction, account_id, site_id):
        fields.complain("day", "is a holiday there already")
    fields.check()
    wanted = Holiday(0, account_id, site_id, day, name)
    added = wanted._replace(id=require(transaction.one(_HOLIDAYS.add, **_HOLIDAYS.params(wanted))))
    changes.note(transaction, account_id, now)
    return added


def list_holidays(transaction: Transaction, account_id: int) -> list[Holiday]:
    """The account's holidays, by day."""
    return transaction.all(_ALL, account_id=account_id)


def remove_holiday(transaction: Transaction, account_id: int, holiday_id: int, now: int) -> None:
    """Remove a holiday. Raises NotFound."""
    if transaction.run(_REMOVE, account_id=account_id, the_id=holiday_id) == 0:
        raise NotFound
    changes.note(transaction, account_id, now)


def import_holidays(transaction: Transaction, account_id: int, body: object, now: int) -> int:
    """Add the public holidays of a country; gives how many were new. Days that are holidays already stay as they are.

    `country` is its ISO 3166 code, `region` the code of a part of it, `years` a list; `site_id` for one site only.
    Raises Invalid.
    """
    fields = StructuredFields(body)
    country = fields.name("country", required=True)
    region = fields.line("region")
    years = _read_years(fields)
    site_id = _read_site(transaction, fields, account_id)
    found = {} if country is None else _public_holidays(fields, country.upper(), region, years)
    fields.check()
    there = _days(transaction, account_id, site_id)
    new = [
        _HOLIDAYS.params(Holiday(0, account_id, site_id, day, name))
        for day, name in sorted(found.items())
        if day not in there
    ]
    for params in new:
        transaction.one(_HOLIDAYS.add, **params)
    if new:
        changes.note(transaction, account_id, now)
    return len(new)


def _read_site(transaction: Transaction, fields: StructuredFields, account_id: int) -> int | None:
    site_id = fields.identity("site_id")
    _SITES.check_one(transaction, account_id, fields, "site_id", site_id)
    return site_id


def _read_years(fields: StructuredFields) -> list[int]:
    years = fields.identities("years")
    if years is None and "years" not in fields.errors:
        fields.complain("years", "can't be blank")
    elif years is not None and not (
        1 <= len(years) <= _MOST_YEARS and all(FIRST_YEAR <= year <= LAST_YEAR for year in years)
    ):
        fields.complain("years", f"must be 1 to {_MOST_YEARS} years between {FIRST_YEAR} and {LAST_YEAR}")
    return years or []


def _days(transaction: Transaction, account_id: int, site_id: int | None) -> set[str]:
    """The days that are holidays for exactly this site, or exactly for all; none is added until the commit."""
    transaction.serialize(f"holidays {account_id}")
    found = transaction.all(_DAYS, account_id=account_id, the_site=site_id, everywhere=int(site_id is None))
    return set(found)


def _public_holidays(fields: StructuredFields, country: str, region: str | None, years: list[int]) -> dict[str, str]:
    """Day and name."""
    # Imported here because it is large and seldom needed.
    from holidays import country_holidays  # noqa: PLC0415

    try:
        known = len(country) == 2 and country_holidays(country) is not None
    except NotImplementedError:
        known = False
    if not known:
        fields.complain("country", "is not a country whose holidays are known, such as GB")
    if not known or fields.errors:
        return {}
    try:
        found = country_holidays(country, subdiv=region, years=years)
    except NotImplementedError:
        fields.complain("region", f"is not a part of {country} whose holidays are known")
        return {}
    return {day.isoformat(): name[:_LONGEST_NAME] for day, name in found.items()}
