"""Muster: who is in, by site and area, at this moment. For when everybody has to be accounted for."""

from typing import NamedTuple

from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.people.presence import Occupancy, occupancy_at
from doorward.reports.scope import ReportSite, Scope


class Muster(NamedTuple):
    """A site, how many are in its areas, and who (presence.Occupancy)."""

    site: ReportSite
    total: int
    areas: list[Occupancy]


def muster(transaction: Transaction, account_id: int, scope: Scope, page: Page) -> list[Muster]:
    """The sites, by id, with a page of the people in each area: who came last comes first."""
    areas: dict[int, list[Occupancy]] = {site.id: [] for site in scope.sites}
    for site_id, occupancy in occupancy_at(transaction, account_id, list(areas), page):
        areas[site_id].append(occupancy)
    return [Muster(site, sum(area.total for area in areas[site.id]), areas[site.id]) for site in scope.sites]
