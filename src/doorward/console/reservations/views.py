"""/console/reservations: the calendar, the timeline, and what the calendar is fed with."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.page import show
from doorward.console.reservations import feed, timeline
from doorward.console.reservations.asked import Showing, showing
from doorward.console.reservations.periods import Period, changes_in, within_limits
from doorward.console.reservations.reading import (
    MOST,
    Asked,
    Door,
    bookings,
    doors_at,
    group_bookings,
    person_with_id,
)
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import day_of, id_of, text_of
from doorward.wire.responses import json_response

READ: Final = ("account.reservation.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_VIEWS: Final = (("day", "Day"), ("week", "Week"), ("month", "Month"), ("list", "List"), ("timeline", "Timeline"))
_DOORS_OF_TIMELINE: Final = 100
_BEFORE_NOW_MS: Final = 2 * 3_600_000
_MORNING_MS: Final = 7 * 3_600_000


@get("/reservations", name="console.reservations", scopes=READ, **_PAGE)
async def calendar(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The calendar, or the timeline."""
    zone, now = principal_of(request).zone, context_of(request).clock.now()
    asked = showing(request, zone, now)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        doors = doors_at(transaction, principal, asked.site_id)
        # The site that a browser has kept may be gone.
        shown = asked if doors or not asked.site_id else asked._replace(site_id=0)
        if shown is not asked:
            doors = doors_at(transaction, principal, 0)
        start, end = shown.period.bounds(zone)
        values: dict[str, object] = {
            "showing": shown,
            "doors": doors,
            "person": person_with_id(transaction, principal, shown.person_id),
            "changes": changes_in(start, end, zone),
        }
        return {**values, **_drawn(transaction, principal, shown, doors, now)} if shown.view == "timeline" else values

    template = "timeline" if asked.view == "timeline" else "calendar"
    today = local_datetime(now, zone).date()
    return await show(request, f"reservations/{template}.html", read, views=_VIEWS, today=today)


def _drawn(
    transaction: Transaction, principal: Principal, shown: Showing, doors: list[Door], now: int
) -> Mapping[str, object]:
    """What the timeline shows."""
    asked = shown.asked(principal.zone)
    scale = timeline.Scale(asked.start, asked.end, principal.zone)
    found, more = bookings(transaction, principal, asked, now)
    if shown.by == "person":
        added, more_added = group_bookings(transaction, principal, asked)
        rows = timeline.rows_by_person([*found, *added], scale)
        more = more or more_added
    else:
        chosen = [door for door in doors if shown.channel_id in (0, door.id)][:_DOORS_OF_TIMELINE]
        rows = timeline.rows_by_door(chosen, found, scale)
    return {
        "rows": rows,
        "ticks": timeline.ticks(shown.period, principal.zone),
        "scale": scale,
        # Where one begins to look, where not all of it has room: before now, or in the morning.
        "begin_at": scale.x(now - _BEFORE_NOW_MS if scale.has(now) else asked.start + _MORNING_MS).rstrip("%"),
        "more": more,
        "most": MOST,
        "hidden_doors": max(len(doors) - _DOORS_OF_TIMELINE, 0) if shown.by == "door" else 0,
    }


@get("/reservations/feed", name="console.reservations.feed", scopes=READ, **_PAGE)
async def feed_events(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What the calendar shows of [start, end), as JSON; times are by the account's clock."""
    context, principal = context_of(request), principal_of(request)
    query, zone = request.query_params, principal.zone
    first, end = day_of(query, "start"), day_of(query, "end")
    if first is None or end is None:
        raise BadRequest("The parameters start and end are the first day and the one after the last")
    period = Period(date.fromisoformat(first), date.fromisoformat(end) - timedelta(days=1))
    if not 0 < len(period.days) <= feed.MOST_DAYS or within_limits(period.first) != period.first:
        raise BadRequest(f"The calendar shows at most {feed.MOST_DAYS} days of 1901 to 2099")
    start, until = period.bounds(zone)
    asked = Asked(
        start,
        until,
        id_of(query, "channel_id") or 0,
        id_of(query, "site_id") or 0,
        id_of(query, "person_id") or 0,
        text_of(query, "person", limit=100) or "",
    )
    now = context.clock.now()

    def read(transaction: Transaction) -> dict[str, Any]:
        found, more = bookings(transaction, principal, asked, now)
        added, more_added = group_bookings(transaction, principal, asked)
        return {
            "events": [
                *feed.events_of([*found, *added], zone, now),
                *feed.clock_events(changes_in(start, until, zone)),
            ],
            "more": more or more_added,
        }

    return json_response(await context.database.read(read), headers=[("Cache-Control", "no-store")])


HANDLERS = (calendar, feed_events)
