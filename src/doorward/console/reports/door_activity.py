"""Door activity: how many were admitted and denied, by hour and weekday."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.console.reports import charts
from doorward.console.reports.asked import PAGE, asked_of, sheet_response
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports import sheets
from doorward.reports.door_activity import DoorActivity, door_activity
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import choice_of

_SIZE: Final = 100
_ALL: Final = Page(paged=False)
_COUNTED: Final[Mapping[str, str]] = {"all": "Admitted and denied", "admitted": "Admitted", "denied": "Denied"}


class Row(NamedTuple):
    """A door's, in sum."""

    channel_id: int
    name: str
    site_id: int
    admitted: int
    denied: int
    busiest: str
    """The hour of the week in which most came."""


@get("/reports/door-activity", name="console.reports.doorActivity", **PAGE)
async def activity_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The week as a heat map, and each door in sum."""
    page = asked_page(request, _SIZE)
    counted = choice_of(request.query_params, "count", tuple(_COUNTED)) or "all"

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        asked = asked_of(request, transaction, principal, now)
        found, total = door_activity(
            transaction, principal.account_id, asked.scope, _ALL, channel_ids=asked.channel_ids, by=principal
        )
        week = week_of(found, counted)
        rows = sorted((row_of(each) for each in found), key=lambda row: -(row.admitted + row.denied))
        return {
            "asked": asked,
            "form": Form({**asked.filters, "count": counted}, asked.errors),
            "counts": _COUNTED,
            "rows": rows[page.offset : page.offset + page.limit],
            "paging": paging_of(request, page, total),
            "week": week,
            "weekdays": charts.WEEKDAYS,
            "site_names": {site.id: site.name for site in asked.places.sites},
            "admitted": sum(row.admitted for row in rows),
            "denied": sum(row.denied for row in rows),
            "chart": charts.heat_map(week, _COUNTED[counted].lower()),
            "sheet": asked.sheet(),
        }

    async with context_of(request).long_reads:
        return await show(request, "reports/door_activity.html", read)


def week_of(found: Iterable[DoorActivity], counted: str) -> list[list[int]]:
    """How many there were at all doors together in each hour of each weekday, Monday first."""
    week = [[0] * 24 for _ in range(7)]
    for door in found:
        for hour in door.hours:
            admitted = hour.admitted if counted != "denied" else 0
            week[hour.weekday][hour.hour] += admitted + (hour.denied if counted != "admitted" else 0)
    return week


def row_of(door: DoorActivity) -> Row:
    """A door's hours in sum."""
    busiest = max(door.hours, key=lambda hour: hour.admitted + hour.denied, default=None)
    return Row(
        door.channel_id,
        door.channel_name,
        door.site_id,
        sum(hour.admitted for hour in door.hours),
        sum(hour.denied for hour in door.hours),
        "" if busiest is None else f"{charts.WEEKDAYS[busiest.weekday]}, {busiest.hour:02}:00 to {busiest.hour:02}:59",
    )


@get("/reports/door-activity/sheet", name="console.reports.doorActivity.sheet", **PAGE)
async def activity_sheet(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The hours of each door as CSV."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> ASGIResponse:
        asked = asked_of(request, transaction, principal, now)
        found, _ = door_activity(
            transaction, principal.account_id, asked.scope, _ALL, channel_ids=asked.channel_ids, by=principal
        )
        return sheet_response([sheets.DOOR_ACTIVITY, *sheets.door_activity_rows(asked.scope, found)], "door_activity")

    async with context.long_reads:
        return await context.database.read(read)


ACTIVITY_HANDLERS: Final = (activity_page, activity_sheet)
