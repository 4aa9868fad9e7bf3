"""Muster: who is in, by site and area, at this moment. For when everybody has to be accounted for."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form
from doorward.console.page import show
from doorward.console.reports import charts
from doorward.console.reports.asked import PAGE, asked_of, sheet_response
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports import sheets
from doorward.reports.muster import muster
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import boolean

_USUAL: Final = 200
_MOST: Final = 10_000
"""So many people of an area."""
_MOST_BARS: Final = 20


@get("/reports/muster", name="console.reports.muster", **PAGE)
async def muster_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Who is in. In an emergency it waits for no other report: it is short."""
    most = _MOST if boolean(request.query_params, "all") else _USUAL

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        asked = asked_of(request, transaction, principal, now)
        found = muster(transaction, principal.account_id, asked.scope, Page(1, most))
        areas = [(area, site.site) for site in found for area in site.areas]
        several = len(found) > 1
        fullest = sorted(areas, key=lambda pair: -pair[0].total)[:_MOST_BARS]
        return {
            "asked": asked,
            "form": Form({"site": asked.site.id if asked.site else None}),
            "found": found,
            "areas": len(areas),
            "total": sum(site.total for site in found),
            "zones": {site.id: site.zone for site in asked.places.sites},
            "is_cut": any(area.total > len(area.people) for area, _ in areas),
            "chart": charts.bars_across(
                [f"{area.area_name}\n{site.name}" if several else area.area_name for area, site in fullest],
                [area.total for area, _ in fullest],
                "people in",
            ),
            "bars": len(fullest),
            "everybody": asked.address(all="true"),
            "sheet": asked.sheet(),
        }

    return await show(request, "reports/muster.html", read)


@get("/reports/muster/sheet", name="console.reports.muster.sheet", **PAGE)
async def muster_sheet(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The same as CSV."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> ASGIResponse:
        asked = asked_of(request, transaction, principal, now)
        found = muster(transaction, principal.account_id, asked.scope, Page(1, _MOST))
        return sheet_response([sheets.MUSTER, *sheets.muster_rows(found)], "muster")

    return await context.database.read(read)


MUSTER_HANDLERS: Final = (muster_page, muster_sheet)
