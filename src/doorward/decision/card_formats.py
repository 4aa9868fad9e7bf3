"""Wiegand card formats, as data: where in the bits of a card its facility and its number stand, and what guards them.

Formats share lengths (H10302 and H10304 are both 37 bits, with the same parities), so that the bits do not tell the
format: it is configured for each reader, and never guessed. Positions are counted from the bit that is transmitted
first, from 0. The page docs/reference/card-formats.md shows this table.

Each layout is that of two sources that do not know of each other; the format names them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Facility = Literal["kept", "ignored"]
"""Whether a card is known by facility and number, `12:345`, or by its number alone, `345`.

Ignored, a card of another company with the same number is the same card.
"""


class Card(NamedTuple):
    """What the bits of a card say; facility None where the format has none."""

    facility: int | None
    number: int

    def value(self, facility: Facility = "kept") -> str:
        """The value of the credential, in its normal form (decision/values.py)."""
        if self.facility is None or facility == "ignored":
            return str(self.number)
        return f"{self.facility}:{self.number}"


class CardFormatError(ValueError):
    """The bits are not those of a card of this format, or a card cannot be had in this format; the message says why."""


class UnknownCardFormat(CardFormatError):
    """No format has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no card format {name!r}; there are {', '.join(CARD_FORMATS)}")


class WrongLength(CardFormatError):
    """The card has more or fewer bits than the format."""

    def __init__(self, card_format: "CardFormat", bits: int) -> None:
        super().__init__(f"{bits} bits, where {card_format.name} has {card_format.bits}")
        self.bits = bits


class WrongParity(CardFormatError):
    """Bits were misread, or the card is of another format. `positions` are those of the parity bits that are wrong."""

    def __init__(self, card_format: "CardFormat", wrong: Iterable["Parity"]) -> None:
        wrong = tuple(wrong)
        named = " and ".join(f"the {parity.kind} parity at bit {parity.position}" for parity in wrong)
        super().__init__(f"{named} of {card_format.name} is wrong")
        self.positions = tuple(parity.position for parity in wrong)


class WrongConstant(CardFormatError):
    """A part that is the same on every card of the format has another value."""

    def __init__(self, card_format: "CardFormat", constant: "Constant", found: int) -> None:
        super().__init__(f"{constant.name} {found}, where {card_format.name} has {constant.value}")


class OutOfRange(CardFormatError):
    """The format has no room for this facility or number."""


class Field(NamedTuple):
    """Bits that are one number, the most significant first."""

    start: int
    length: int

    @property
    def positions(self) -> range:
        """The bits' positions."""
        return range(self.start, self.start + self.length)

    @property
    def highest(self) -> int:
        """The highest number that it can hold."""
        return (1 << self.length) - 1


class Parity(NamedTuple):
    """A bit that makes the number of ones, its own among them, even or odd over the positions that it covers."""

    kind: Literal["even", "odd"]
    position: int
    covers: tuple[int, ...]


class Constant(NamedTuple):
    """A part that is the same on every card of the format."""

    name: str
    field: Field
    value: int


@dataclass(frozen=True, slots=True)
class CardFormat:
    """One format. `parities` are in the order in which they are computed: a later one may cover an earlier one."""

    name: str
    title: str
    bits: int
    facility: Field | None
    number: Field
    parities: tuple[Parity, ...] = ()
    constants: tuple[Constant, ...] = ()
    remark: str = ""
    sources: tuple[str, ...] = ()


def card_format(name: str) -> CardFormat:
    """The format of this name, whatever its case. Raises UnknownCardFormat."""
    found = _BY_FOLDED_NAME.get(name.casefold())
    if found is None:
        raise UnknownCardFormat(name)
    return found


def decode(card_format: CardFormat, bits: int, raw: int) -> Card:
    """What is on the card whose `bits` bits make the number `raw`.

    Raises WrongLength, WrongParity or WrongConstant.
    """
    if bits != card_format.bits or raw < 0 or raw >> bits:
        raise WrongLength(card_format, max(bits, raw.bit_length()))
    wrong = [parity for parity in card_format.parities if not _holds(card_format, parity, raw)]
    if wrong:
        raise WrongParity(card_format, wrong)
    for constant in card_format.constants:
        found = _get(card_format, constant.field, raw)
        if found != constant.value:
            raise WrongConstant(card_format, constant, found)
    facility = None if card_format.facility is None else _get(card_format, card_format.facility, raw)
    return Card(facility, _get(card_format, card_format.number, raw))


def encode(card_format: CardFormat, facility: int | None, number: int) -> int:
    """The bits of a card, as a number. Raises OutOfRange."""
    if (facility is None) != (card_format.facility is None):
        raise OutOfRange(f"{card_format.name} has {'no' if card_format.facility is None else 'a'} facility")
    raw = _put(card_format, "number", card_format.number, number)
    if card_format.facility is not None and facility is not None:
        raw |= _put(card_format, "facility", card_format.facility, facility)
    for constant in card_format.constants:
        raw |= _put(card_format, constant.name, constant.field, constant.value)
    for parity in card_format.parities:
        if not _holds(card_format, parity, raw):
            raw |= _mask(card_format, (parity.position,))
    return raw


def unreadable_value(bits: int | None, raw: int | None) -> str:
    """The value that a card gets which could not be decoded: it says what was read, and no credential can have it.

    A credential's value is a number, or two with a colon (decision/values.py); this is neither.
    """
    return "unreadable" if bits is None or raw is None else f"unreadable-{bits}-{raw:x}"


def _mask(card_format: CardFormat, positions: Iterable[int]) -> int:
    return sum(1 << (card_format.bits - 1 - position) for position in positions)


def _holds(card_format: CardFormat, parity: Parity, raw: int) -> bool:
    ones = (raw & _mask(card_format, (parity.position, *parity.covers))).bit_count()
    return ones % 2 == (0 if parity.kind == "even" else 1)


def _get(card_format: CardFormat, field: Field, raw: int) -> int:
    return (raw >> (card_format.bits - field.start - field.length)) & field.highest


def _put(card_format: CardFormat, name: str, field: Field, value: int) -> int:
    if not 0 <= value <= field.highest:
        raise OutOfRange(f"{name} {value}, where {card_format.name} has 0 to {field.highest}")
    return value << (card_format.bits - field.start - field.length)


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _two_of_three(first: int, last: int, left_out: int) -> tuple[int, ...]:
    """Every position but those that leave `left_out` when divided by three."""
    return tuple(position for position in range(first, last + 1) if position % 3 != left_out)


_PROXMARK: Final = "Proxmark3 (RfidResearchGroup/proxmark3, client/src/wiegand_formats.c)"
_RF_IDEAS: Final = "RF IDeas, Proximity Card Formats"
_SUPREMA: Final = "Suprema's device SDK (supremainc/BioStar2_device_SDK, the masks of its Wiegand formats)"
_ANALYZER: Final = "OSDP_Analyzer, an extension of Saleae Logic 2 that decodes cards on an OSDP line"
_FLIPPER: Final = "the Wiegand application for Flipper Zero (the fields; it does not check the parities)"
_CSN_REMARK: Final = (
    "The card's serial number, the most significant byte first. Many readers can be set to send it; anybody can copy "
    "it to another card, so that it should not be all that a door asks for."
)

_FORMATS: Final = (
    CardFormat(
        "H10301",
        "HID 26 bits, the format that every system knows",
        26,
        Field(1, 8),
        Field(9, 16),
        (Parity("even", 0, _span(1, 12)), Parity("odd", 25, _span(13, 24))),
        remark="Nobody keeps its numbers apart: two companies may well have cards with the same facility and number.",
        sources=(_PROXMARK, _RF_IDEAS),
    ),
    CardFormat(
        "CSN32",
        "Serial number of 4 bytes (MIFARE Classic and others)",
        32,
        None,
        Field(0, 32),
        remark=_CSN_REMARK,
        sources=("ISO/IEC 14443-3, single size UID",),
    ),
    CardFormat(
        "D10202",
        "HID 33 bits (DSX)",
        33,
        Field(1, 7),
        Field(8, 24),
        (Parity("even", 0, _span(1, 16)), Parity("odd", 32, _span(16, 31))),
        sources=(_PROXMARK, _ANALYZER),
    ),
    CardFormat(
        "H10306",
        "HID 34 bits",
        34,
        Field(1, 16),
        Field(17, 16),
        (Parity("even", 0, _span(1, 16)), Parity("odd", 33, _span(17, 32))),
        sources=(_PROXMARK, _ANALYZER),
    ),
    CardFormat(
        "C1k35s",
        "HID Corporate 1000, 35 bits",
        35,
        Field(2, 12),
        Field(14, 20),
        (
            Parity("even", 1, _two_of_three(2, 33, 1)),
            Parity("odd", 34, _two_of_three(1, 33, 0)),
            Parity("odd", 0, _span(1, 34)),
        ),
        remark="The facility is the company's code.",
        sources=(_PROXMARK, _SUPREMA),
    ),
    CardFormat(
        "C15001",
        "Keyscan, 36 bits",
        36,
        Field(11, 8),
        Field(19, 16),
        (Parity("even", 0, _span(1, 17)), Parity("odd", 35, _span(18, 34))),
        (Constant("OEM number", Field(1, 10), 900),),
        remark="A card with another OEM number than Keyscan's, 900, is not one of these.",
        sources=(_PROXMARK, _FLIPPER),
    ),
    CardFormat(
        "S12906",
        "HID Simplex, 36 bits",
        36,
        Field(1, 8),
        Field(9, 26),
        (Parity("odd", 0, _span(1, 17)), Parity("odd", 35, _span(17, 34))),
        remark=(
            "The number is the issue level (0 to 3, two bits) and the 24 bits printed on the card: to the printed "
            "number add 16777216 for each level, so that a card issued anew is not the card that was lost."
        ),
        sources=(_PROXMARK, _ANALYZER),
    ),
    CardFormat(
        "H10302",
        "HID 37 bits, without facility",
        37,
        None,
        Field(1, 35),
        (Parity("even", 0, _span(1, 18)), Parity("odd", 36, _span(18, 35))),
        remark="HID issues each number once. Its parities are those of H10304: the bits do not tell the two apart.",
        sources=(_PROXMARK, _SUPREMA),
    ),
    CardFormat(
        "H10304",
        "HID 37 bits, with facility",
        37,
        Field(1, 16),
        Field(17, 19),
        (Parity("even", 0, _span(1, 18)), Parity("odd", 36, _span(18, 35))),
        remark="Its parities are those of H10302: the bits do not tell the two apart.",
        sources=(_PROXMARK, _SUPREMA),
    ),
    CardFormat(
        "C1k48s",
        "HID Corporate 1000, 48 bits",
        48,
        Field(2, 22),
        Field(24, 23),
        (
            Parity("even", 1, _two_of_three(3, 46, 2)),
            Parity("odd", 47, _two_of_three(2, 45, 1)),
            Parity("odd", 0, _span(1, 47)),
        ),
        remark="The facility is the company's code.",
        sources=(_PROXMARK, _SUPREMA),
    ),
    CardFormat(
        "CSN56",
        "Serial number of 7 bytes (MIFARE DESFire and others)",
        56,
        None,
        Field(0, 56),
        remark=_CSN_REMARK,
        sources=("ISO/IEC 14443-3, double size UID",),
    ),
    CardFormat(
        "CSN64",
        "Serial number of 8 bytes (iCLASS and others)",
        64,
        None,
        Field(0, 64),
        remark=_CSN_REMARK,
        sources=("ISO/IEC 15693-3, UID",),
    ),
)

CARD_FORMATS: Final[Mapping[str, CardFormat]] = MappingProxyType({one.name: one for one in _FORMATS})
"""Every format by its name, shortest first."""

_BY_FOLDED_NAME: Final = {one.name.casefold(): one for one in _FORMATS}
