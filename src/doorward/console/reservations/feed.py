"""Reservations as events of the calendar, which knows no zones: it is told times of day by the account's clock."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from doorward.console.reservations.periods import Change
from doorward.console.reservations.reading import Booking
from doorward.kit.timestamps import local_datetime

MOST_DAYS: Final = 45
"""A month of the calendar has six weeks."""
_LEAST: Final = timedelta(minutes=15)
"""What is shorter by the clock on the wall (also because the clock was put back) is drawn so long."""
_DAY: Final = timedelta(days=1)
_UTC: Final = ZoneInfo("UTC")


def events_of(found: Iterable[Booking], zone: ZoneInfo, now: int) -> list[dict[str, Any]]:
    """Each as an event; one of more than a day has its place beside the whole days."""
    return [_event(each, zone, now) for each in found]


def clock_events(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Where the clock changes, as a stretch in the background: the hour that is skipped, or that comes twice."""
    return [
        {
            "start": _local(min(each.before, each.after)),
            "end": _local(max(each.before, each.after)),
            "title": "Skipped: the clock goes on" if each.after > each.before else "Twice: the clock goes back",
            "display": "background",
            "classNames": ["calendar-clock"],
        }
        for each in changes
    ]


def _event(booking: Booking, zone: ZoneInfo, now: int) -> dict[str, Any]:
    start, end = _naive(booking.start, zone), _naive(booking.end, zone)
    names = ["calendar-group" if booking.kind == "group" else "calendar-reservation"]
    if booking.end <= now:
        names.append("calendar-over")
    event: dict[str, Any] = {
        "id": f"{booking.kind}-{booking.id}",
        "title": f"{booking.person}: {booking.what}",
        "person": booking.person,
        "what": booking.what,
        "when": _when(start, end),
        "utc": utc_words(booking),
        "url": booking.path,
        "classNames": names,
    }
    if end - start > _DAY:
        last = end.date() if end == datetime.combine(end.date(), datetime.min.time()) else end.date() + _DAY
        return {**event, "allDay": True, "start": start.date().isoformat(), "end": last.isoformat()}
    return {**event, "start": _local(start), "end": _local(max(end, start + _LEAST))}


def utc_words(booking: Booking) -> str:
    """When it is in UTC, for whoever looks closely."""
    start, end = _naive(booking.start, _UTC), _naive(booking.end, _UTC)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {until} UTC"


def _when(start: datetime, end: datetime) -> str:
    if start.date() == end.date() or end == datetime.combine(start.date() + _DAY, datetime.min.time()):
        return f"{start:%H:%M} to {'24:00' if end.date() != start.date() else f'{end:%H:%M}'}"
    return f"{start.day} {start:%b, %H:%M} to {end.day} {end:%b, %H:%M}"


def _naive(at: int, zone: ZoneInfo) -> datetime:
    return local_datetime(at, zone).replace(tzinfo=None)


def _local(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
