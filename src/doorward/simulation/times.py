"""Times as a scenario writes them: "08:02", "+1d 03:00", "01:30 again"; durations: "5s", "250ms", "2m", "1h"."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from doorward.kit.timestamps import InvalidTimestamp, format_instant, local_datetime, local_to_instant

_TIME: Final = re.compile(r"(?:\+(\d{1,2})d )?(\d{2}):(\d{2})(?::(\d{2}))?( again)?", re.ASCII)
_DURATION: Final = re.compile(r"(-?)(\d{1,7})(ms|s|m|h)", re.ASCII)
_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_HOUR_MS: Final = 3_600_000


class InvalidTime(ValueError):
    """The text is no time or duration; the message says why."""


def duration(text: str, *, may_be_negative: bool = False) -> int:
    """Milliseconds of "5s". Raises InvalidTime."""
    match = _DURATION.fullmatch(text)
    if match is None or (match[1] and not may_be_negative):
        raise InvalidTime(f'"{text}" is no duration such as "5s", "250ms", "2m" or "1h"')
    return int(match[2]) * _UNITS[match[3]] * (-1 if match[1] else 1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The scenario's first day, in the zone of its site."""

    day: date
    zone: ZoneInfo

    def instant(self, text: str) -> int:
        """A time of the site as an instant. Raises InvalidTime, also for a time that the clock skips.

        Of a time that the clock strikes twice, "01:30" is the first and "01:30 again" the second.
        """
        match = _TIME.fullmatch(text)
        if match is None:
            raise InvalidTime(f'"{text}" is no time such as "08:02", "08:02:30" or "+1d 03:00"')
        days, hours, minutes, seconds, again = match.groups()
        try:
            clock = time(int(hours), int(minutes), int(seconds or 0))
            local = datetime.combine(self.day + timedelta(days=int(days or 0)), clock)
            first = local_to_instant(local, self.zone)
        except (InvalidTimestamp, ValueError, OverflowError) as error:
            raise InvalidTime(f'"{text}" {_why(error)}') from None
        if not again:
            return first
        second = first + _HOUR_MS
        if local_datetime(second, self.zone).replace(tzinfo=None) != local:
            raise InvalidTime(f'"{text}" happens only once on that day')
        return second

    def iso(self, text: str) -> str:
        """A time as the API reads it. Raises InvalidTime."""
        return format_instant(self.instant(text))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, InvalidTimestamp) else "is no time of the day"
