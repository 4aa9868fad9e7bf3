"""A shift's week as bars: what a picture of it is drawn of."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from doorward.decision.shifts import DAY_MINUTES, HOLIDAY
from doorward.shifts.rules import DAYS, minutes
from doorward.shifts.windows import DayWindow

DAY_WORDS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Holidays")
SHORT_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Hol")
NAMED_DAYS: Final = tuple(zip(DAYS, SHORT_DAYS, DAY_WORDS, strict=True))
"""Of each day its name in a window, short and long."""

_SUNDAY: Final = 6


class Bar(NamedTuple):
    """A stretch of one row of the week, in minutes after midnight; the eighth row is that of holidays."""

    row: int
    start: int
    end: int

    @property
    def width(self) -> int:
        """How many minutes."""
        return self.end - self.start


def bars_of(windows: Iterable[DayWindow]) -> list[Bar]:
    """The windows as bars, row by row; what goes beyond midnight is drawn on the next day, of holidays on none."""
    found: list[Bar] = []
    for window in windows:
        start, end = minutes(window.start), minutes(window.end)
        for row in map(DAYS.index, window.days):
            if end > start:
                found.append(Bar(row, start, end))
                continue
            found.append(Bar(row, start, DAY_MINUTES))
            if row != HOLIDAY and end:
                found.append(Bar(0 if row == _SUNDAY else row + 1, 0, end))
    return sorted(found)


def words_of(windows: Iterable[DayWindow], *, holidays: str) -> list[str]:
    """The windows in words: "Mon, Tue 08:00 to 18:00"; those of holidays only where these have windows of their own."""
    found = []
    for window in windows:
        days = [SHORT_DAYS[DAYS.index(day)] for day in window.days if day != "holiday"]
        if holidays == "replace" and "holiday" in window.days:
            days.append("holidays")
        if days:
            beyond = " the next day" if minutes(window.end) <= minutes(window.start) else ""
            found.append(f"{_drawn_together(days)} {window.start} to {window.end}{beyond}")
    return found


def _drawn_together(days: list[str]) -> str:
    """Days that follow each other as "Mon-Fri", if they are three and more."""
    runs: list[list[str]] = []
    for day in days:
        follows = bool(runs) and day in SHORT_DAYS and SHORT_DAYS.index(day) == _place(runs[-1][-1]) + 1
        if follows:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _place(day: str) -> int:
    return SHORT_DAYS.index(day) if day in SHORT_DAYS else len(SHORT_DAYS)
