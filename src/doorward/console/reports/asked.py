"""What a report is asked for, in its address: sites, days, a door. Without them: all, and the last 30 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.console.lists import with_filters
from doorward.console.page import file_headers
from doorward.console.preferences import chosen_site
from doorward.console.sites_and_doors import Site, SitesAndDoors, sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.kit.csv_lines import csv_lines
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.reports.scope import ReportSite, Scope, days_of
from doorward.wire.queries import day_of, id_of

READ: Final = ("account.reports.readonly",)
PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "scopes": READ}
SHEET_TYPE: Final = "text/csv"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about; `errors`: by field, what is wrong with it, and then nothing is reported."""

    places: SitesAndDoors
    scope: Scope
    site: Site | None
    channel_id: int | None
    today: date
    path: str
    errors: dict[str, list[str]]

    @property
    def channel_ids(self) -> list[int] | None:
        """The doors that the report is narrowed to; None: all of the sites."""
        return None if self.channel_id is None else [self.channel_id]

    @property
    def filters(self) -> dict[str, object]:
        """As the address has them."""
        return {
            "site": self.site.id if self.site else "all",
            "channel_id": self.channel_id,
            "from": self.scope.first.isoformat(),
            "to": self.scope.last.isoformat(),
        }

    def address(self, **others: object) -> str:
        """The same report with something else."""
        return with_filters(self.path, {**self.filters, **others})

    def sheet(self, **others: object) -> str:
        """Where the same is to be had as CSV."""
        return with_filters(f"{self.path}/sheet", {**self.filters, **others})


def asked_of(request: Request[Any, Any, Any], transaction: Transaction, principal: Principal, now: int) -> Asked:
    """What the address asks for, of what the user sees; one statement. Raises BadRequest for what no form sends.

    A scope is made of what was found, as doorward.reports.scope makes it.
    """
    places = sites_and_doors(transaction, principal)
    site = places.site(chosen_site(request))
    today = local_datetime(now, principal.zone).date()
    errors: dict[str, list[str]] = {}
    first, last = (_day(request, name, errors) for name in ("from", "to"))
    try:
        first, last = days_of(first, last, today)
    except BadRequest as error:
        errors["to"] = [error.text.removeprefix("The parameter to ").replace("the parameter from ", "the first day ")]
        first, last = days_of(None, None, today)
    about = places.sites if site is None else (site,)
    return Asked(
        places=places,
        scope=Scope(
            tuple(ReportSite(each.id, each.name, each.zone.key) for each in sorted(about, key=lambda each: each.id)),
            first,
            last,
            principal.zone.key,
        ),
        site=site,
        channel_id=id_of(request.query_params, "channel_id"),
        today=today,
        path=request.url.path.removesuffix("/sheet"),
        errors=errors,
    )


def _day(request: Request[Any, Any, Any], name: str, errors: dict[str, list[str]]) -> date | None:
    try:
        text = day_of(request.query_params, name)
    except BadRequest as error:
        errors[name] = [error.text.removeprefix(f"The parameter {name} ")]
        return None
    return None if text is None else date.fromisoformat(text)


def sheet_response(rows: list[Any], name: str) -> ASGIResponse:
    """Rows as a file of CSV."""
    return ASGIResponse(body=csv_lines(rows), media_type=SHEET_TYPE, headers=file_headers(f"{name}.csv"))
