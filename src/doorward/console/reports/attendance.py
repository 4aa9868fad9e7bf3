"""Attendance: who came when and left when, on a day, or on the days of one person."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import file_headers, show
from doorward.console.reports import charts
from doorward.console.reports.asked import PAGE, READ, SHEET_TYPE, asked_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.csv_lines import csv_lines
from doorward.kit.errors import BadRequest
from doorward.kit.text import sort_key
from doorward.kit.timestamps import find_zone, local_datetime
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again
from doorward.reports import sheets
from doorward.reports.attendance import Attendance, attendance_of, attendance_on, days_from
from doorward.reports.scope import EARLIEST_DAY, LATEST_DAY
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import day_of, id_of, text_of

_A_DAY: Final = timedelta(days=1)
_SIZE: Final = 100


@get("/reports/attendance", name="console.reports.attendance", **PAGE)
async def attendance_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Everybody's, on one day, today unless another is asked for; or one person's, on several."""
    query, page = request.query_params, asked_page(request, _SIZE)
    person_id, name, day_asked = id_of(query, "person_id"), text_of(query, "name"), day_of(query, "day")

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        asked = asked_of(request, transaction, principal, now)
        day = asked.today if day_asked is None else date.fromisoformat(day_asked)
        if not EARLIEST_DAY < day < LATEST_DAY:
            raise BadRequest("There is no such day")
        if person_id is not None:
            rows = attendance_of(transaction, principal.account_id, asked.scope, person_id)[::-1]
        else:
            rows = attendance_on(transaction, principal.account_id, asked.scope, day)
        if name:
            rows = [row for row in rows if sort_key(name) in sort_key(row.person_name)]
        zones = {site.id: site.zone for site in asked.places.sites}
        return {
            "asked": asked,
            "form": Form({**asked.filters, "name": name, "day": day.isoformat()}, asked.errors),
            "day": day,
            "before": asked.address(day=(day - _A_DAY).isoformat(), name=name),
            "after": asked.address(day=(day + _A_DAY).isoformat(), name=name) if day < asked.today else None,
            "rows": rows[page.offset : page.offset + page.limit],
            "paging": paging_of(request, page, len(rows)),
            "people": len({row.person_id for row in rows}),
            "person": rows[0].person_name if person_id is not None and rows else None,
            "person_id": person_id,
            "zones": zones,
            "site_names": {site.id: site.name for site in asked.places.sites},
            "chart": _chart(rows, {site_id: zone.key for site_id, zone in zones.items()}),
            "sheet_of_day": asked.sheet(**{"from": day.isoformat(), "to": day.isoformat()}),
            "sheet": asked.sheet(person_id=person_id),
        }

    async with context_of(request).long_reads:
        return await show(request, "reports/attendance.html", read)


def _chart(rows: Iterable[Attendance], zones: Mapping[int, str]) -> charts.Option:
    came, left = [0] * 24, [0] * 24
    for row in rows:
        zone = find_zone(zones[row.site_id])
        for at, counts in ((row.first_in, came), (row.last_out, left)):
            if at is not None:
                counts[local_datetime(at, zone).hour] += 1
    series = (("Came first", "var(--accent)", came), ("Left last", "var(--late)", left))
    return charts.bars_by_hour(series, "when people came first and left last")


@get("/reports/attendance/sheet", name="console.reports.attendance.sheet", **PAGE)
async def attendance_sheet(request: Request[Any, Any, Any]) -> ASGIResponse:
    """All days that are asked for as CSV, a day read at a time."""
    context, principal = context_of(request), principal_of(request)
    person_id, now = id_of(request.query_params, "person_id"), context.clock.now()
    asked = await context.database.read(lambda transaction: asked_of(request, transaction, principal, now))
    scope, account_id = asked.scope, principal.account_id

    def rows_of(transaction: Transaction, day: date) -> bytes:
        authenticate_again(transaction, principal, context.clock.now()).require(*READ)
        return csv_lines(sheets.attendance_rows(scope, attendance_on(transaction, account_id, scope, day)))

    async def parts() -> AsyncIterator[bytes]:
        yield csv_lines([sheets.ATTENDANCE])
        if person_id is not None:
            async with context.long_reads:
                found = await context.database.read(lambda tx: attendance_of(tx, account_id, scope, person_id))
            yield csv_lines(sheets.attendance_rows(scope, found))
            return
        for day in days_from(scope):
            async with context.long_reads:
                part = await context.database.read(partial(rows_of, day=day))
            if part:
                yield part

    return ASGIStreamingResponse(iterator=parts(), media_type=SHEET_TYPE, headers=file_headers("attendance.csv"))


ATTENDANCE_HANDLERS: Final = (attendance_page, attendance_sheet)
