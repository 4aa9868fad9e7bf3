"""What a report is about: sites that the user sees, each with its zone, and local days from one to another."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from doorward.accounts.service import get_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest
from doorward.kit.pages import Page
from doorward.kit.timestamps import find_zone, local_datetime
from doorward.oauth.principal import Principal
from doorward.reports.spans import Span, spans_of
from doorward.sites.service import page_of_sites

MOST_DAYS: Final = 366
USUAL_DAYS: Final = 30
EARLIEST_DAY: Final = date(1970, 1, 2)
LATEST_DAY: Final = date(2100, 12, 30)
"""The days that reports know of: on each, every zone's local time is a time of UTC that is not negative."""


class ReportSite(NamedTuple):
    """A site that a report is about, and the IANA name of its zone."""

    id: int
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Sites, by id, and local days of each, both included."""

    sites: tuple[ReportSite, ...]
    first: date
    last: date
    time_zone: str
    """The account's; by it, today is today."""

    def spans(self, first: date | None = None, last: date | None = None) -> list[Span]:
        """The spans of the days, or of fewer of them."""
        return spans_of(((site.id, site.time_zone) for site in self.sites), first or self.first, last or self.last)


def days_of(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Which days are meant where one of them or both are not given. Raises BadRequest."""
    # Looked at before anything is reckoned from it: the calendar ends.
    if first is not None and not EARLIEST_DAY <= first <= LATEST_DAY:
        raise BadRequest(f"The parameter from must be between {EARLIEST_DAY} and {LATEST_DAY}")
    if last is not None and not EARLIEST_DAY <= last <= LATEST_DAY:
        raise BadRequest(f"The parameter to must be between {first or EARLIEST_DAY} and {LATEST_DAY}")
    if last is None:
        last = today if first is None else max(first, min(today, first + timedelta(days=MOST_DAYS - 1)))
    if first is None:
        first = max(last - timedelta(days=USUAL_DAYS - 1), EARLIEST_DAY)
    if not first <= last <= LATEST_DAY:
        raise BadRequest(f"The parameter to must be between the parameter from ({first}) and {LATEST_DAY}")
    if (last - first).days >= MOST_DAYS:
        raise BadRequest(f"The parameters from and to must be at most {MOST_DAYS} days apart")
    return first, last


def scope_of(
    transaction: Transaction,
    account_id: int,
    now: int,
    *,
    first: date | None = None,
    last: date | None = None,
    site_ids: Collection[int] | None = None,
    by: Principal | None = None,
) -> Scope:
    """The sites of these, or of all, that the user sees, and the days. Raises BadRequest."""
    zone = get_account(transaction, account_id).time_zone
    first, last = days_of(first, last, local_datetime(now, find_zone(zone)).date())
    found, _ = page_of_sites(transaction, account_id, Page(paged=False), by=by)
    sites = tuple(
        ReportSite(site.id, site.name, site.time_zone or zone)
        for site in found
        if site_ids is None or site.id in site_ids
    )
    return Scope(sites, first, last, zone)
