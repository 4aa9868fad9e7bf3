"""A card as a board names it (its `uid`, which is also the name of a file there) and as Doorward does.

| `uid` | what the board writes | reader |
| --- | --- | --- |
| decimal | the number that the reader sent, in decimal | Wiegand |
| hex | the same in hexadecimal, without leading zeros | Wiegand, with the board's option for it |
| bytes | the card's serial number, two digits a byte | MFRC522 |

| `card` | the credential's value |
| --- | --- |
| number | the whole as one decimal number |
| reversed | the same with the bytes in reverse order, as many desktop readers show a serial number |
| facility | `facility:number` of the 24 data bits of H10301 |

A PN532 is not here: the firmware writes its bytes without leading zeros, so that two cards can have the same name.
"""

import re
from typing import Final

from doorward.decision.values import normal_value
from doorward.drivers.esp_rfid.config import CardFormat, UidFormat

MOST_UID_CHARACTERS: Final = 19
"""The firmware keeps 20 bytes for a uid and cuts what is longer, which would make it somebody else's."""

_DECIMAL: Final = re.compile(r"[0-9]{1,19}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{1,16}")
_SERIAL_BYTES: Final = (4, 7)
_FACILITY: Final = re.compile(r"([0-9]{1,20}):([0-9]{1,20})")


def value_of(uid: str, uid_format: UidFormat, card_format: CardFormat) -> str | None:
    """The credential's value of a uid that a board reports; None for what no card of this format has."""
    if not (_DECIMAL if uid_format == "decimal" else _HEX).fullmatch(uid):
        return None
    if uid_format == "bytes" and len(uid) % 2:
        return None
    number = int(uid, 10 if uid_format == "decimal" else 16)
    if card_format == "reversed":
        number = int.from_bytes(bytes.fromhex(uid), "little")
    if card_format == "facility":
        return normal_value("card", f"{number >> 16}:{number & 0xFFFF}") if number < 1 << 24 else None
    return normal_value("card", str(number))


def uid_of(value: str, uid_format: UidFormat, card_format: CardFormat) -> str | None:
    """The uid under which a board knows a credential's value; None if it cannot be told, or not for certain."""
    number = _number(value, card_format)
    if number is None:
        return None
    if uid_format == "bytes":
        uid = _serial(number, card_format)
    else:
        uid = str(number) if uid_format == "decimal" else f"{number:x}"
    if uid is None or len(uid) > MOST_UID_CHARACTERS or value_of(uid, uid_format, card_format) != value:
        return None
    return uid


def _number(value: str, card_format: CardFormat) -> int | None:
    if card_format != "facility":
        return int(value) if re.fullmatch(r"[0-9]{1,20}", value) else None
    match = _FACILITY.fullmatch(value)
    if match is None:
        return None
    facility, number = (int(part) for part in match.groups())
    return facility << 16 | number if facility < 1 << 8 and number < 1 << 16 else None


def _serial(number: int, card_format: CardFormat) -> str | None:
    """Serial numbers have 4 or 7 bytes; a longer one that begins with zeros would look like the shorter."""
    for length in _SERIAL_BYTES:
        if number < 1 << 8 * length:
            return number.to_bytes(length, "little" if card_format == "reversed" else "big").hex()
    return None
