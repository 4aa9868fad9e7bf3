"""The number that a board knows a card by, and the credential's value that Doorward knows it by.

| `card_numbers` | credential's value | number on the board |
| --- | --- | --- |
| facility | `123:45678`, a facility and a number of Wiegand 26 | 12345678: facility, then five digits of the number |
| facility | `12345678`, a number alone | 12345678 |
| plain | `12345678`, a number alone | 12345678 |

With `facility` two values can be one number; the plan (plan.py) then leaves out both. With `plain` a value with a
facility has no number.
"""

import re
from typing import Final

from doorward.drivers.uhppote.config import CardNumbers

_RESERVED: Final = frozenset((0, 0x00FFFFFF, 0xFFFFFFFF))
"""What boards report for "no card" and "a card that was deleted", and what a card that cannot be read looks like."""
_VALUE: Final = re.compile(r"(?:([0-9]{1,20}):)?([0-9]{1,20})")


def number_of(value: str, card_numbers: CardNumbers) -> int | None:
    """The board's number for the value of a card; None if the board cannot know it."""
    match = _VALUE.fullmatch(value)
    if match is None:
        return None
    facility, number = match[1], int(match[2])
    if facility is not None:
        if card_numbers == "plain" or int(facility) > 0xFF or number > 0xFFFF:
            return None
        number += int(facility) * 100_000
    return number if number < 1 << 32 and number not in _RESERVED else None
