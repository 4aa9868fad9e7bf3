"""What a credential's value may be, and the normal form in which it is compared with what a reader reports.

| kind | as given | normal form |
| --- | --- | --- |
| card | a decimal number of up to 20 digits | without leading zeros: `0012345` is the card `12345` |
| card | facility and number, `12:345` (also `-` or `/` between) | both without leading zeros: `12:345` |
| pin | 4 to 7 digits | as it is: `0123` is not `123` |
| aux | a number plate or another text | letters and digits only, upper case: `ab-12 cd` is `AB12CD` |
| apple, google | the pass's identifier | as it is |
"""

import re
import unicodedata
from typing import Final

from doorward.decision.codes import AUX, CARD, PIN
from doorward.kit.text import InvalidText, clean_name

FEWEST_PIN_DIGITS: Final = 4
MOST_PIN_DIGITS: Final = 7
BAD_PIN: Final = f"must be between {FEWEST_PIN_DIGITS} and {MOST_PIN_DIGITS} digits in length"
_BAD_CARD: Final = "must be a card number of up to 20 digits, or facility and number such as 12:345"

_CARD: Final = re.compile(r"(?:([0-9]{1,20})[:/-])?([0-9]{1,20})")
_PIN: Final = re.compile(rf"[0-9]{{{FEWEST_PIN_DIGITS},{MOST_PIN_DIGITS}}}")


def normal_value(kind: str, value: str) -> str:
    """The normal form of a value of one of codes.KINDS. Raises InvalidText for what no such credential has.

    A card is compared by number, so that it is the same card whether or not somebody typed its leading zeros. The
    number 0 is refused: faulty readers report it.
    """
    if kind == PIN:
        if not _PIN.fullmatch(value):
            raise InvalidText(BAD_PIN)
        return value
    text = clean_name(value)
    if kind == CARD:
        return _card(text)
    if kind == AUX:
        return _plate(text)
    return text


def _card(text: str) -> str:
    match = _CARD.fullmatch(text)
    if match is None:
        raise InvalidText(_BAD_CARD)
    facility, number = match.groups()
    number = number.lstrip("0")
    if not number:
        raise InvalidText("must not be 0")
    return number if facility is None else f"{facility.lstrip('0') or '0'}:{number}"


def _plate(text: str) -> str:
    plate = "".join(letter for letter in unicodedata.normalize("NFKC", text).upper() if letter.isalnum())
    if not plate:
        raise InvalidText("must have a letter or a digit")
    return plate
