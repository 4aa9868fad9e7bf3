"""Time profiles as a board has them, and how opening hours are written as profiles.

A profile is a range of dates, days of the week in it and up to three segments of minutes, the last of which is open,
too: 08:30 to 17:29 is open up to 17:29:59. More is a chain of linked profiles, any of which may be open.

Segments that are not needed repeat the first one. Zeros in their place would be read as 00:00 to 00:00, and that is a
segment that is open for a minute at midnight.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from doorward.decision.shifts import weekday
from doorward.drivers.uhppote.board_time import DAY_MINUTES, FIRST_DAY, LAST_DAY
from doorward.drivers.uhppote.rights import union

PROFILE_IDS: Final = range(2, 255)
"""0 is no access, 1 access at any time, 255 nothing that is documented."""

_MOST_SEGMENTS: Final = 3
_ALL_DAYS: Final = frozenset(range(7))


class Segment(NamedTuple):
    """Minutes after midnight, from the first to the last that is open."""

    first: int
    last: int


class Stored(NamedTuple):
    """A profile as it stands on a board: with the one it is linked to, or 0."""

    profile: "Profile"
    link: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Open on days of the week (0 is Monday) from `first_day` to `last_day`, in each of the segments."""

    first_day: int
    last_day: int
    weekdays: frozenset[int]
    segments: tuple[Segment, ...]


CLOSED: Final = Profile(FIRST_DAY, FIRST_DAY, frozenset(), (Segment(0, 0),))
"""A profile that is defined and never open. A card on a profile that is not defined would be admitted."""

EVER: Final = Profile(FIRST_DAY, LAST_DAY, _ALL_DAYS, (Segment(0, DAY_MINUTES - 1),))
"""Always open, and yet a profile: it can be closed with one message for all its cards."""


def profiles_for(open_minutes: Iterable[tuple[int, int]]) -> tuple[Profile, ...]:
    """Few profiles for stretches [from, to) of minutes of the board's time; none if it is never open."""
    hours: dict[int, list[Segment]] = defaultdict(list)
    for start, end in union(open_minutes):
        for day in range(start // DAY_MINUTES, (end - 1) // DAY_MINUTES + 1):
            midnight = day * DAY_MINUTES
            if FIRST_DAY <= day <= LAST_DAY:
                segment = Segment(max(start - midnight, 0), min(end - midnight, DAY_MINUTES) - 1)
                hours[day].append(segment)
    return tuple(_written({day: tuple(segments) for day, segments in hours.items()}))


def blocks(days: Iterable[int]) -> Iterator[tuple[int, int, frozenset[int]]]:
    """The days as (first, last, days of the week): each of them is in exactly one block, and no other day is."""
    wanted = sorted(set(days))
    position = 0
    while position < len(wanted):
        first = last = wanted[position]
        inside, outside = {weekday(first)}, set[int]()
        position += 1
        day = first
        while position < len(wanted):
            day += 1
            kind, is_wanted = weekday(day), day == wanted[position]
            if kind in (outside if is_wanted else inside):
                break
            if is_wanted:
                inside.add(kind)
                last = day
                position += 1
            else:
                outside.add(kind)
        yield first, last, frozenset(inside)


def _written(hours: Mapping[int, tuple[Segment, ...]]) -> Iterator[Profile]:
    """Days with the same hours share profiles."""
    alike: dict[tuple[Segment, ...], list[int]] = defaultdict(list)
    for day, segments in hours.items():
        alike[segments].append(day)
    for segments, days in sorted(alike.items()):
        for first, last, weekdays in blocks(days):
            for start in range(0, len(segments), _MOST_SEGMENTS):
                yield Profile(first, last, weekdays, segments[start : start + _MOST_SEGMENTS])
