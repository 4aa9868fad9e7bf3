"""Which days a calendar shows, as instants in a zone, and where the clock changes in them."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.kit.timestamps import day_bounds, local_datetime

VIEWS: Final = ("week", "day", "month", "list", "timeline")
SPANS: Final = ("day", "week")
EARLIEST_DAY: Final = date(1901, 1, 7)
LATEST_DAY: Final = date(2099, 11, 30)
"""Days outside are not shown: there is no instant beyond 1900 to 2100."""
_MINUTE_MS: Final = 60_000


class Period(NamedTuple):
    """Local days from `first` to `last`."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def words(self) -> str:
        """Such as "Mon 2 Mar 2026" or "2 to 8 March 2026"."""
        first, last = self.first, self.last
        if first == last:
            return f"{first:%a} {first.day} {first:%b %Y}"
        if first.day == 1 and (last + timedelta(days=1)).day == 1 and first.month == last.month:
            return f"{first:%B %Y}"
        if first.month == last.month:
            return f"{first.day} to {last.day} {last:%B %Y}"
        year = "" if first.year == last.year else f" {first:%Y}"
        return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"

    def bounds(self, zone: ZoneInfo) -> tuple[int, int]:
        """The instants at which it begins and ends."""
        return day_bounds(self.first, zone)[0], day_bounds(self.last, zone)[1]


class Change(NamedTuple):
    """The clock changes at an instant: the time of day was `before` and is `after`."""

    at: int
    before: datetime
    after: datetime

    @property
    def words(self) -> str:
        """Such as "On Sun 29 Mar 2026 the clock goes from 01:00 on to 02:00."."""
        day = f"{self.before:%a} {self.before.day} {self.before:%b %Y}"
        if self.after > self.before:
            return f"On {day} the clock goes from {self.before:%H:%M} on to {self.after:%H:%M}."
        return f"On {day} the clock goes from {self.before:%H:%M} back to {self.after:%H:%M}: that hour comes twice."


def period_of(view: str, day: date, span: str = "day") -> Period:
    """What a view shows around a day."""
    if view == "month":
        first = day.replace(day=1)
        return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    if view == "day" or (view == "timeline" and span == "day"):
        return Period(day, day)
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + timedelta(days=6))


def within_limits(day: date) -> date:
    """The nearest day that can be shown."""
    return min(max(day, EARLIEST_DAY), LATEST_DAY)


def changes_in(start: int, end: int, zone: ZoneInfo) -> list[Change]:
    """Where the clock changes within [start, end), to the minute."""
    found = []
    step = 6 * 60 * _MINUTE_MS  # no zone changes twice within so few hours
    at = start
    while at < end:
        after = min(at + step, end)
        if _offset(at, zone) != _offset(after, zone):
            found.append(_change(at, after, zone))
        at = after
    return [each for each in found if each.at < end]


def _change(low: int, high: int, zone: ZoneInfo) -> Change:
    before = _offset(low, zone)
    while high - low > _MINUTE_MS:
        middle = (low + high) // 2 // _MINUTE_MS * _MINUTE_MS
        if middle <= low:
            break
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    after = local_datetime(high, zone).replace(tzinfo=None)
    shift = _offset(high, zone) - before
    return Change(high, after - shift, after)


def _offset(at: int, zone: ZoneInfo) -> timedelta:
    return local_datetime(at, zone).utcoffset() or timedelta(0)
