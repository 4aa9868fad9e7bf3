"""What a reader reports of a card or a keypad, as a credential or keys. Readers are hostile: anything may come."""

import contextlib
from typing import NamedTuple

from doorward.decision.card_formats import CardFormatError, decode, unreadable_value
from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential, Presented
from doorward.drivers.osdp.config import Reader

_KEYS = {**{ord(digit): digit for digit in "0123456789*#"}, 0x7F: "*", 0x0D: "#"}
"""A keypad's `*` is reported as delete and `#` as return (IEC 60839-11-5, osdp_KEYPAD); some report the characters."""


class CardBits(NamedTuple):
    """How many bits a reader read of a card, and the bits as a number; None where it said it in another way."""

    bits: int | None
    raw: int | None


def bits_of(length: int | None, data: bytes) -> CardBits:
    """The bits of an osdp_RAW reply, the first on the left of the first byte; what is beyond `length` is filling."""
    if length is None or not 0 < length <= 8 * len(data):
        return CardBits(None, None)
    return CardBits(length, int.from_bytes(data[: (length + 7) // 8]) >> (-length % 8))


def presented(reader: Reader, card: CardBits) -> Presented:
    """What was held to this reader. A card that is not of its format has a value that nobody has."""
    value = unreadable_value(*card)
    if card.bits is not None and card.raw is not None:
        with contextlib.suppress(CardFormatError):
            value = decode(reader.card_format, card.bits, card.raw).value(reader.facility)
    return Presented(Credential(CARD, value))


def keys_of(data: bytes) -> str:
    """The keys, without those that are neither a digit nor `*` nor `#`."""
    return "".join(_KEYS.get(byte, "") for byte in data)
