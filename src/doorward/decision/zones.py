"""Where a time zone's offset changes: the one thing about zones that calendar arithmetic needs."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BLOCK_MS = 32 * DAY_MS
"""Calendar arithmetic is done, and remembered, a block of 32 UTC days at a time."""

_STEP_S = 12 * 3600  # no zone has changed its offset twice within half a day


class Segment(NamedTuple):
    """A stretch [start, end) of UTC milliseconds in which local time = UTC + offset."""

    start: int
    end: int
    offset: int


def offset_ms(zone: ZoneInfo, at: int) -> int:
    """The zone's offset from UTC at an instant, both in milliseconds."""
    offset = datetime.fromtimestamp(at // 1000, zone).utcoffset()
    return 0 if offset is None else offset.days * DAY_MS + offset.seconds * 1000


@lru_cache(maxsize=4096, typed=True)  # -1.0 equals -1: what came of it must not answer for whole numbers
def segments(zone_name: str, block: int) -> tuple[Segment, ...]:
    """The zone's stretches of constant offset within one block, in order and without gaps.

    Raises ZoneInfoNotFoundError for an unknown zone, OverflowError or ValueError outside the years 1 to 9999.
    """
    zone = ZoneInfo(zone_name)
    start, end = block * BLOCK_MS, (block + 1) * BLOCK_MS
    found: list[Segment] = []
    since, offset = start, offset_ms(zone, start)
    low = start
    while low < end:
        high = min(low + _STEP_S * 1000, end)
        after = offset_ms(zone, high)
        if after != offset:
            change = _first_change(zone, low // 1000, high // 1000, offset) * 1000
            if change < end:
                found.append(Segment(since, change, offset))
                since, offset = change, after
        low = high
    found.append(Segment(since, end, offset))
    return tuple(found)


def _first_change(zone: ZoneInfo, low: int, high: int, offset: int) -> int:
    """The first second in (low, high] whose offset is not the given one."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset_ms(zone, middle * 1000) == offset:
            low = middle
        else:
            high = middle
    return high
