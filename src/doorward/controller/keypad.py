"""Digits as they are typed, until they are a PIN."""

from typing import Final, NamedTuple

from doorward.decision.values import FEWEST_PIN_DIGITS, MOST_PIN_DIGITS

BETWEEN_KEYS_MS: Final = 5_000
"""So long after the last key an entry is over: as it is if it can be a PIN, else it is nothing."""
_MOST_KEYS: Final = 64
"""Of one report; nobody types faster."""


class Typed(NamedTuple):
    """A complete entry, and when its last key was pressed."""

    value: str
    at: int

    def __repr__(self) -> str:
        return f"Typed(…, {self.at})"


class Keypad:
    """One keypad. `#` ends an entry, and so does its length or a pause; `*` begins anew."""

    def __init__(self) -> None:
        self._digits = ""
        self._last_key_at = 0

    def press(self, keys: str, at: int) -> list[Typed]:
        """Gives the entries that are complete with these keys.

        PINs of an account have different lengths, and a door does not know those of strangers: a shorter entry than the
        longest PIN is over by `#` or a pause. Else the beginning of a longer one would be somebody else's.
        """
        found = []
        for key in keys[:_MOST_KEYS]:
            if key in "0123456789":
                self._digits += key
                self._last_key_at = at
            is_over = key == "#" or len(self._digits) >= MOST_PIN_DIGITS
            if is_over and self._digits:
                found.append(Typed(self._digits, at))
            if is_over or key == "*":
                self._digits = ""
        return found

    def take(self) -> Typed | None:
        """What has been typed, if it can be a PIN; nothing is left of it."""
        digits, self._digits = self._digits, ""
        return Typed(digits, self._last_key_at) if len(digits) >= FEWEST_PIN_DIGITS else None

    def is_over(self, at: int) -> bool:
        """Whether an entry has been begun and no further key has come in time, also by a clock that was put back."""
        return bool(self._digits) and not 0 <= at - self._last_key_at < BETWEEN_KEYS_MS

    def due(self) -> int | None:
        """When it is over."""
        return self._last_key_at + BETWEEN_KEYS_MS if self._digits else None
