"""What a shift comes to, day by day, at a site: computed by the timetable that decides at the doors."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.decision.shifts import Rule, Timetable
from doorward.decision.zones import BLOCK_MS, segments
from doorward.kit.timestamps import day_bounds, local_datetime

WEEKS: Final = 4
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_USUAL_HOURS: Final = 24
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Stretch(NamedTuple):
    """A stretch of a day in which the shift is open; `x` and `width` in minutes that really pass."""

    x: int
    width: int
    words: str


class Mark(NamedTuple):
    """Where on the day the clocks change."""

    x: int
    words: str


class DayPreview(NamedTuple):
    """A local day."""

    day: date
    minutes: int
    """How long it is: 1440 on most days."""
    stretches: list[Stretch]
    holiday: str | None
    marks: list[Mark]
    is_today: bool

    @property
    def hours(self) -> str:
        """How long the day is, in words: "23 hours"."""
        whole, rest = divmod(self.minutes, 60)
        return f"{whole} hours" if not rest else f"{whole} hours {rest} minutes"


class WeekPreview(NamedTuple):
    """Seven days from a Monday on."""

    days: list[DayPreview]


def first_monday(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def preview(rule: Rule, zone: ZoneInfo, holidays: Mapping[date, str], first: date, today: date) -> list[WeekPreview]:
    """Four weeks of a rule from a Monday on."""
    days = frozenset(day.toordinal() - _EPOCH for day in holidays)
    timetable = Timetable(rule, zone.key, days)
    found = [_day(timetable, zone, first + timedelta(days=number), holidays, today) for number in range(7 * WEEKS)]
    return [WeekPreview(found[start : start + 7]) for start in range(0, len(found), 7)]


def _day(timetable: Timetable, zone: ZoneInfo, day: date, holidays: Mapping[date, str], today: date) -> DayPreview:
    start, end = day_bounds(day, zone)
    stretches = [
        Stretch(
            (opens - start) // _MINUTE_MS,
            (closes - opens) // _MINUTE_MS,
            f"{_clock(opens, zone)}-{'24:00' if closes == end else _clock(closes, zone)}",
        )
        for opens, closes in _open(timetable, start, end)
    ]
    marks = [Mark((at - start) // _MINUTE_MS, words) for at, words in clock_changes(zone, start, end)]
    return DayPreview(day, (end - start) // _MINUTE_MS, stretches, holidays.get(day), marks, day == today)


def _open(timetable: Timetable, start: int, end: int) -> Iterator[tuple[int, int]]:
    """When the shift is open within [start, end)."""
    at = start
    while at < end:
        change = timetable.next_change(at)
        until = end if change is None else min(change, end)
        if timetable.open_at(at):
            yield at, until
        at = until


def clock_changes(zone: ZoneInfo, start: int, end: int) -> list[tuple[int, str]]:
    """When the clocks of a zone change after one instant and before another, and how: "Clocks go back 1 hour"."""
    found = []
    before: int | None = None
    for block in range(start // BLOCK_MS, (end - 1) // BLOCK_MS + 1):
        for segment in segments(zone.key, block):
            if before is not None and segment.offset != before and start < segment.start < end:
                found.append((segment.start, _change_words(segment.start, segment.offset - before, zone)))
            before = segment.offset
    return found


def _change_words(at: int, by: int, zone: ZoneInfo) -> str:
    hours = abs(by) / _HOUR_MS
    size = f"{hours:g} hour" if hours == 1 else f"{hours:g} hours"
    # By the clock that is still going when it is changed.
    shown = datetime.combine(date.min, local_datetime(at - 1, zone).time()) + timedelta(milliseconds=1)
    return f"Clocks go {'forward' if by > 0 else 'back'} {size} at {shown:%H:%M}"


def _clock(at: int, zone: ZoneInfo) -> str:
    return f"{local_datetime(at, zone):%H:%M}"
