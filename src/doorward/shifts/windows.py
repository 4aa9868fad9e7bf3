"""Weekly windows as they are written: `[{"days": ["mon", "holiday"], "start": "07:00", "end": "22:00"}]`."""

import re
from typing import Final, NamedTuple

from doorward.kit.structured_fields import StructuredFields
from doorward.shifts.rules import DAYS

MOST_WINDOWS: Final = 100
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MIDNIGHT: Final = "24:00"


class DayWindow(NamedTuple):
    """One window as it is written: some of DAYS, and local times.

    It crosses midnight if its end is not after its start.
    """

    days: tuple[str, ...]
    start: str
    end: str


def read_windows(
    fields: StructuredFields, *, required: bool, name: str = "windows", most: int = MOST_WINDOWS
) -> tuple[DayWindow, ...]:
    """The windows in a field; what is wrong is said with the window's number, counted from 1."""
    entries = fields.entries(name, most=most, required=required)
    if entries is None:
        return ()
    if not entries and required:
        fields.complain(name, "must have at least one window")
    found: list[DayWindow] = []
    for number, entry in enumerate(entries, start=1):
        problem = _problem(entry)
        if problem is not None or not isinstance(entry, dict):
            fields.complain(name, f"window {number}: {problem}")
        else:
            days = sorted(set(entry["days"]), key=DAYS.index)
            found.append(DayWindow(tuple(days), entry["start"], entry["end"]))
    return tuple(found)


def _problem(entry: object) -> str | None:
    """What is wrong with a window, None if nothing is."""
    if not isinstance(entry, dict):
        return 'must be an object such as {"days": ["mon"], "start": "07:00", "end": "22:00"}'
    days, start, end = entry.get("days"), entry.get("start"), entry.get("end")
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        return f"days must be a list of at least one of: {', '.join(DAYS)}"
    if not isinstance(start, str) or not _TIME.fullmatch(start):
        return "start must be a time such as 07:00"
    if not isinstance(end, str) or not (_TIME.fullmatch(end) or end == _MIDNIGHT):
        return "end must be a time such as 22:00, at most 24:00"
    if start == end:
        return "end must not be the same as start: a whole day is 00:00 to 24:00"
    return None
