"""What a credential's value may be: whatever has a normal form (decision/values.py)."""

from typing import Final

from doorward.decision import values
from doorward.decision.codes import CARD, DURESS, PIN
from doorward.decision.values import FEWEST_PIN_DIGITS, MOST_PIN_DIGITS
from doorward.kit.text import InvalidText, clean_name

BAD_PIN: Final = f"must be between {FEWEST_PIN_DIGITS} and {MOST_PIN_DIGITS} digits in length"

_BAD: Final = {
    PIN: BAD_PIN,
    DURESS: BAD_PIN,
    CARD: "must be a card number of up to 20 digits, not 0, or facility and number such as 12:345",
}
_BAD_OTHER: Final = "must have a letter or a digit"


def normal_value(kind: str, value: str) -> str:
    """The normal form of a value of one of codes.KINDS. Raises InvalidText for what no such credential has."""
    normal = values.normal_value(kind, value if kind in (PIN, DURESS) else clean_name(value))
    if normal is None:
        raise InvalidText(_BAD.get(kind, _BAD_OTHER))
    return normal
