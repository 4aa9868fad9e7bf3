"""PINs: how long they must be, and random ones.

Guessing must not pay: there have to be at least 1000 times as many PINs of a length as people who have one
(EN 60839-11-1, grade 1).
"""

import secrets
from typing import Final

from doorward.decision.codes import DURESS, PIN
from doorward.decision.values import FEWEST_PIN_DIGITS, MOST_PIN_DIGITS

MEMORISED: Final = frozenset({PIN, DURESS})
"""The kinds that are typed: encrypted in the database, hidden from those who could not change them, never two alike.

A duress PIN is a PIN to whoever looks on: the same rules hold for both, and together.
"""

RANDOM: Final = "******"
"""A value that asks for a random PIN."""

HIDDEN: Final = "******"
"""What a PIN is to those who may not read it."""

PINS_PER_HOLDER: Final = 1000
MOST_HOLDERS: Final = 10**MOST_PIN_DIGITS // PINS_PER_HOLDER


def shortest_length(holders: int) -> int | None:
    """The fewest digits that PINs must have for so many holders; None for too many holders for any length."""
    for length in range(FEWEST_PIN_DIGITS, MOST_PIN_DIGITS + 1):
        if 10**length >= PINS_PER_HOLDER * holders:
            return length
    return None


def random_pin(length: int) -> str:
    """A PIN of so many digits, each as likely as any other."""
    return f"{secrets.randbelow(10**length):0{length}}"
