"""When a board must set a door to be controlled again by itself, as tasks on the board.

The controller holds a door open; only the board can be relied on to end that if the controller is gone by then. So the
board gets the ends, and never a beginning: nothing on it ever opens a door for all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from doorward.decision.shifts import Timetable
from doorward.drivers.uhppote.board_time import DAY_MINUTES, FIRST_DAY, LAST_DAY, MINUTE_MS
from doorward.drivers.uhppote.link import ClosingTask
from doorward.drivers.uhppote.profiles import blocks
from doorward.drivers.uhppote.rights import RULE_ERRORS, spans_of


def ends_of(shift: Timetable, start: int, end: int) -> set[int]:
    """The instants in (start, end) at which a shift closes; none for a rule that cannot be read, for it never opens."""
    try:
        return {closes for _, closes in spans_of(shift, start, end) if closes < end}
    except RULE_ERRORS:
        return set()


def closing_minutes(instants: Iterable[int], offset: int) -> set[int]:
    """The minutes of the board's time at which it closes: the beginning of the minute that an instant is in."""
    return {(instant + offset) // MINUTE_MS for instant in instants}


def tasks_for(closings: Mapping[int, Iterable[int]]) -> list[ClosingTask]:
    """The tasks that close each door at minutes of the board's time."""
    days: dict[tuple[int, int], set[int]] = defaultdict(set)
    for door, minutes in closings.items():
        for minute in minutes:
            day, of_day = divmod(minute, DAY_MINUTES)
            if FIRST_DAY <= day <= LAST_DAY:
                days[door, of_day].add(day)
    return [
        ClosingTask(first, last, weekdays, of_day, door)
        for (door, of_day), on in sorted(days.items())
        for first, last, weekdays in blocks(on)
    ]
