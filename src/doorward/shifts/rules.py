"""From a stored shift to the rule that decides."""

import json
from datetime import date
from typing import Final, Literal, Protocol, cast

from doorward.decision.shifts import DAY_MINUTES, Rule, Stretch, Weekly, Window

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
"""The names of days in windows; their places are the numbers that the engine uses."""

_EPOCH: Final = date(1970, 1, 1).toordinal()


class StoredShift(Protocol):
    """The columns of a shift that make its rule (read-only)."""

    @property
    def windows(self) -> str: ...  # noqa: D102
    @property
    def first_day(self) -> str | None: ...  # noqa: D102
    @property
    def last_day(self) -> str | None: ...  # noqa: D102
    @property
    def holidays(self) -> str: ...  # noqa: D102
    @property
    def starts_at(self) -> int | None: ...  # noqa: D102
    @property
    def ends_at(self) -> int | None: ...  # noqa: D102


def rule_of(shift: StoredShift) -> Rule:
    """The rule of a stored shift; services have checked what is stored."""
    if shift.starts_at is not None and shift.ends_at is not None:
        return Stretch(shift.starts_at, shift.ends_at)
    windows = tuple(_window(window) for window in json.loads(shift.windows))
    holidays = cast(Literal["ignore", "replace"], shift.holidays)
    return Weekly(windows, day_number(shift.first_day), day_number(shift.last_day), holidays)


def _window(stored: dict[str, object]) -> Window:
    days = frozenset(DAYS.index(day) for day in cast(list[str], stored["days"]))
    start, end = minutes(str(stored["start"])), minutes(str(stored["end"]))
    return Window(days, start, end if end > start else end + DAY_MINUTES)


def minutes(clock: str) -> int:
    """Minutes after midnight of "07:30"; "24:00" is 1440."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def day_number(day: str | None) -> int | None:
    """Days since 1970-01-01 of "2024-01-15"."""
    return None if day is None else date.fromisoformat(day).toordinal() - _EPOCH
