"""Credentials that nobody uses. Of the whole account, and so not for users who are limited to sites."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of, with_filters
from doorward.console.moments import counted
from doorward.console.page import show
from doorward.console.reports import charts
from doorward.console.reports.asked import PAGE, sheet_response
from doorward.db.unit_of_work import Transaction
from doorward.decision.zones import DAY_MS
from doorward.kit.errors import BadRequest, Forbidden
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports import sheets
from doorward.reports.unused_credentials import unused_credentials
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import boolean, id_of

_SIZE: Final = 100
_MOST_ROWS: Final = 10_000
_USUAL_DAYS: Final = 90
_MOST_DAYS: Final = 3660
_SPANS: Final = ((30, "30 days"), (90, "90 days"), (180, "half a year"), (365, "a year"), (730, "two years"))
_PATH: Final = "/console/reports/unused-credentials"


@get("/reports/unused-credentials", name="console.reports.unusedCredentials", **PAGE)
async def unused_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """How many by type, and whose they are."""
    days, never = _asked(request)
    page = asked_page(request, _SIZE)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found, total = unused_credentials(
            transaction, principal.account_id, Page(1, _MOST_ROWS), before=now - days * DAY_MS, never=never
        )
        types = Counter(each.label for each in found).most_common()
        return {
            "form": Form({"days": days, "never": never}),
            "days": days,
            "never": never,
            "spans": _SPANS if days in dict(_SPANS) else (*_SPANS, (days, counted(days, "day"))),
            "rows": found[page.offset : page.offset + page.limit],
            "total": total,
            "is_cut": total > len(found),
            "paging": paging_of(request, page, len(found)),
            "types": types,
            "chart": charts.bars_across(
                [label for label, _ in types], [count for _, count in types], "credentials that nobody uses"
            ),
            "sheet": with_filters(f"{_PATH}/sheet", {"days": days, "never": "true" if never else None}),
        }

    async with context_of(request).long_reads:
        return await show(request, "reports/unused_credentials.html", read)


@get("/reports/unused-credentials/sheet", name="console.reports.unusedCredentials.sheet", **PAGE)
async def unused_sheet(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The same as CSV."""
    context, principal = context_of(request), principal_of(request)
    days, never = _asked(request)
    before = context.clock.now() - days * DAY_MS

    def read(transaction: Transaction) -> ASGIResponse:
        found, _ = unused_credentials(
            transaction, principal.account_id, Page(1, _MOST_ROWS), before=before, never=never
        )
        return sheet_response([sheets.UNUSED, *sheets.unused_rows(principal.zone.key, found)], "unused_credentials")

    async with context.long_reads:
        return await context.database.read(read)


def _asked(request: Request[Any, Any, Any]) -> tuple[int, bool]:
    """For how many days, and whether ever. Raises Forbidden, or BadRequest."""
    if principal_of(request).site_limited:
        raise Forbidden
    days = id_of(request.query_params, "days") or _USUAL_DAYS
    if days > _MOST_DAYS:
        raise BadRequest(f"The record does not go back {days} days")
    return days, boolean(request.query_params, "never")


UNUSED_HANDLERS: Final = (unused_page, unused_sheet)
