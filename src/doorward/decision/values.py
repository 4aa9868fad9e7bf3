"""The normal form of a credential's value: two ways of writing one credential are one credential.

| kind | as given | normal form |
| --- | --- | --- |
| card | a decimal number of up to 20 digits | without leading zeros: `0012345` is the card `12345` |
| card | facility and number, `12:345` (also `-` or `/` between) | both without leading zeros: `12:345` |
| pin, duress | 4 to 7 digits | as it is: `0123` is not `123` |
| aux | a number plate or another text | letters and digits only, upper case: `ab-12 cd` is `AB12CD` |
| apple, google | the pass's identifier | as it is |
"""

import re
import unicodedata
from typing import Final

from doorward.decision.codes import AUX, CARD, DURESS, PIN

FEWEST_PIN_DIGITS: Final = 4
MOST_PIN_DIGITS: Final = 7

_CARD: Final = re.compile(r"(?:([0-9]{1,20})[:/-])?([0-9]{1,20})")
_PIN: Final = re.compile(rf"[0-9]{{{FEWEST_PIN_DIGITS},{MOST_PIN_DIGITS}}}")


def normal_value(kind: str, value: str) -> str | None:
    """The normal form of a value of one of codes.KINDS; None for what no credential of this kind has.

    A card is compared by number, so that it is the same card whether or not somebody typed its leading zeros. No card
    has the number 0: faulty readers report it.
    """
    if kind in (PIN, DURESS):
        return value if _PIN.fullmatch(value) else None
    if kind == CARD:
        return _card(value.strip())
    if kind == AUX:
        plain = unicodedata.normalize("NFKC", value).upper()
        return "".join(letter for letter in plain if letter.isalnum()) or None
    return value.strip() or None


def _card(text: str) -> str | None:
    match = _CARD.fullmatch(text)
    if match is None:
        return None
    facility, number = match.groups()
    number = number.lstrip("0")
    if not number:
        return None
    return number if facility is None else f"{facility.lstrip('0') or '0'}:{number}"
