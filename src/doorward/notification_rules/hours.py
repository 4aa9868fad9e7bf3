"""Hours of the week as the text of a condition: "mon,tue 22:00-06:00", and as the arithmetic of shifts."""

from collections.abc import Iterable

from doorward.decision.shifts import DAY_MINUTES, HOLIDAY, Weekly, Window
from doorward.shifts.rules import DAYS, minutes
from doorward.shifts.windows import DayWindow


def written(window: DayWindow) -> str:
    """A window as the text of a condition."""
    return f"{','.join(window.days)} {window.start}-{window.end}"


def weekly_of(texts: Iterable[str]) -> Weekly:
    """The windows of such texts as one rule.

    Where one of them names holidays, only such windows count on these; else a holiday is as any other day.
    """
    windows = tuple(_window(text) for text in texts)
    named = any(HOLIDAY in window.days for window in windows)
    return Weekly(windows, holidays="replace" if named else "ignore")


def _window(text: str) -> Window:
    days, _, hours = text.partition(" ")
    start, end = (minutes(clock) for clock in hours.split("-"))
    return Window(frozenset(map(DAYS.index, days.split(","))), start, end if end > start else end + DAY_MINUTES)
