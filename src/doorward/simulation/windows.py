"""Windows of a shift as the command line writes them, "mon-fri 08:00-18:00", as the API reads them."""

import re
from collections.abc import Iterable
from typing import Any, Final

from doorward.shifts.rules import DAYS

_WINDOW: Final = re.compile(r"([a-z,-]+) (\d{2}:\d{2})-(\d{2}:\d{2})", re.ASCII)
_WEEK: Final = DAYS[:7]


class InvalidWindow(ValueError):
    """The text is no window; the message quotes it."""


def read_windows(texts: Iterable[str]) -> list[dict[str, Any]]:
    """The API's windows; whether the times make sense is the API's to say. Raises InvalidWindow."""
    return [_window(text) for text in texts]


def _window(text: str) -> dict[str, Any]:
    match = _WINDOW.fullmatch(text.lower())
    if match is None:
        raise InvalidWindow(f'window "{text}" is not such as "mon-fri 08:00-18:00"')
    days: list[str] = []
    for part in match[1].split(","):
        first, dash, last = part.partition("-")
        if part == "daily":
            days += _WEEK
        elif part in DAYS:
            days.append(part)
        elif dash and first in _WEEK and last in _WEEK:
            start = _WEEK.index(first)
            length = (_WEEK.index(last) - start) % 7 + 1
            days += [_WEEK[(start + step) % 7] for step in range(length)]
        else:
            raise InvalidWindow(f'window "{text}" has days that are none of: {", ".join(DAYS)}')
    return {"days": days, "start": match[2], "end": match[3]}
