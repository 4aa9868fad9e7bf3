"""The time as a board has it: what a clock on the wall shows, counted in ms, minutes and days as if it were UTC.

A board knows no zone. As long as nobody sets its clock, its time is UTC and a fixed offset; so a plan that is made of
instants with the offset that the clock was set by stays right over a change to or from summer time, for as long as the
clock is not set.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from doorward.decision.zones import BLOCK_MS, offset_ms, segments

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1_440
DAY_MS: Final = DAY_MINUTES * MINUTE_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MILLISECOND: Final = timedelta(milliseconds=1)
_BLOCKS_AHEAD: Final = 14
_JUST_NOW_MS: Final = 10 * MINUTE_MS

FIRST_DAY: Final = date(2000, 1, 1).toordinal() - _FIRST_ORDINAL
LAST_DAY: Final = date(2099, 12, 31).toordinal() - _FIRST_ORDINAL
"""The days that a board knows; days are counted from 1970-01-01."""


def date_of(day: int) -> date:
    """The date of a day."""
    return date.fromordinal(_FIRST_ORDINAL + day)


def day_of(value: date) -> int:
    """The day of a date."""
    return value.toordinal() - _FIRST_ORDINAL


def wall_clock(board_ms: int) -> datetime:
    """The board's time as a datetime whose fields are what the board shows; milliseconds are cut off."""
    return _EPOCH + timedelta(seconds=board_ms // 1_000)


def board_ms_of(shown: datetime) -> int:
    """What a board shows, a datetime without a zone, as the board's time."""
    return (shown.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def offset_at(zone: str, at: int) -> int:
    """How far the clocks of a zone are ahead of UTC, in ms. Raises ZoneInfoNotFoundError, OverflowError, ValueError."""
    return offset_ms(_zone(zone), at)


def next_offset_change(zone: str, after: int) -> int | None:
    """The first instant after `after` at which the clocks of a zone are changed; None if not within a year."""
    block = after // BLOCK_MS
    offset = offset_at(zone, after)
    for number in range(block, block + _BLOCKS_AHEAD):
        for segment in segments(zone, number):
            if segment.end > after and segment.offset != offset:
                return segment.start
    return None


def instant_of(board_ms: int, zone: str, *, not_before: int, now: int) -> int:
    """The instant at which a board that follows the clocks of a zone showed this time.

    A time that is shown twice is the second one if the first would be before `not_before` (an event that the board
    recorded earlier), or if the second is what it is about `now`. A time that the zone skips was shown by a board whose
    clock had not been set yet.
    """
    shown = wall_clock(board_ms).replace(tzinfo=_zone(zone))
    first, second = (int(shown.replace(fold=fold).timestamp()) * 1_000 for fold in (0, 1))
    if first < second <= now + MINUTE_MS and (first < not_before or now - second < _JUST_NOW_MS):
        return second
    return first
