"""Instants and spans of time in words, by the wall clock of a zone."""

from datetime import UTC, date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from doorward.kit.timestamps import format_instant, local_datetime

_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000


def zone_words(zone: ZoneInfo) -> str:
    """How a zone is called on a page: "Europe/London", "America/New York"."""
    return zone.key.replace("_", " ")


def moment(at: int | None, zone: ZoneInfo, *, seconds: bool = False, empty: str = "never") -> Markup:
    """An instant as a <time>: "Mon 2 Mar 2026, 09:00", with UTC when one hovers over it."""
    if at is None:
        return Markup.escape(empty)
    local = local_datetime(at, zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return _element(at, f"{local:%a} {local.day} {local:%b %Y}, {clock}", zone)


def clock_time(at: int, zone: ZoneInfo, *, seconds: bool = False) -> Markup:
    """The same with the time of day only."""
    local = local_datetime(at, zone)
    return _element(at, f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}", zone)


def near(at: int | None, zone: ZoneInfo, now: int, *, empty: str = "never") -> Markup:
    """An instant as short as the distance lets it be: "09:00", "yesterday 09:00", "2 Mar, 09:00", "2 Mar 2025"."""
    if at is None:
        return Markup.escape(empty)
    local, today = local_datetime(at, zone), local_datetime(now, zone).date()
    days = (local.date() - today).days
    clock = f"{local:%H:%M}"
    if days in _NEAR_DAYS:
        words = f"{_NEAR_DAYS[days]}{clock}"
    elif local.year == today.year:
        words = f"{local.day} {local:%b}, {clock}"
    else:
        words = f"{local.day} {local:%b %Y}"
    return _element(at, words, zone)


def exactly(at: int, zone: ZoneInfo, now: int) -> Markup:
    """An instant to the second, the day before it unless it is today: "09:00:05", "Mon 2 Mar, 09:00:05"."""
    local, today = local_datetime(at, zone), local_datetime(now, zone).date()
    clock = f"{local:%H:%M:%S}"
    if local.date() == today:
        return _element(at, clock, zone)
    year = "" if local.year == today.year else f" {local.year}"
    return _element(at, f"{local:%a} {local.day} {local:%b}{year}, {clock}", zone)


_NEAR_DAYS: Final = {-1: "yesterday ", 0: "", 1: "tomorrow "}


def ago(at: int | None, now: int, *, empty: str = "never") -> str:
    """How long ago: "just now", "4 minutes ago", "3 days ago"."""
    if at is None:
        return empty
    passed = now - at
    if passed < _MINUTE_MS:
        return "just now"
    return f"{span(passed)} ago"


def span(milliseconds: int) -> str:
    """A span in its largest unit: "30 seconds", "4 minutes", "3 hours", "2 days"."""
    for unit, size in (("day", _DAY_MS), ("hour", 60 * _MINUTE_MS), ("minute", _MINUTE_MS)):
        if milliseconds >= size:
            return counted(milliseconds // size, unit)
    return counted(milliseconds // 1000, "second")


def counted(number: int, word: str, plural: str | None = None) -> str:
    """A number of things: "1 door", "5 doors", "1,200 people"."""
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"


def day_words(day: date) -> str:
    """A day: "Mon 2 Mar 2026"."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def for_input(at: int | None, zone: ZoneInfo) -> str:
    """An instant as <input type="datetime-local"> has it."""
    return "" if at is None else f"{local_datetime(at, zone):%Y-%m-%dT%H:%M}"


def offset_words(at: int, zone: ZoneInfo) -> str:
    """How far the zone is from UTC at an instant: "UTC+01:00"."""
    offset = local_datetime(at, zone).utcoffset() or timedelta(0)
    minutes = offset // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _element(at: int, words: str, zone: ZoneInfo) -> Markup:
    utc = local_datetime(at, ZoneInfo("UTC")).astimezone(UTC)
    title = f"{utc:%Y-%m-%d %H:%M:%S} UTC · shown in {zone_words(zone)}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(format_instant(at), title, words)
