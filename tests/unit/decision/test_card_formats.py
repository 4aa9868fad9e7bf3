"""Wiegand card formats: published cards, laws of the table, and the page that shows it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.decision.card_formats import (
    CARD_FORMATS,
    Card,
    CardFormat,
    OutOfRange,
    UnknownCardFormat,
    WrongConstant,
    WrongLength,
    WrongParity,
    card_format,
    decode,
    encode,
    unreadable_value,
)
from doorward.decision.values import normal_value

PAGE = Path(__file__).parents[3] / "docs/reference/card-formats.md"
FORMATS = st.sampled_from(list(CARD_FORMATS.values()))

# Cards that others have published, as bits: what they print beside them is what must be read here.
PUBLISHED = [
    # RfidResearchGroup/proxmark3, help of `lf hid sim` and `lf hid clone` (client/src/cmdlfhid.c): the low 26, 35 and
    # 48 bits of -r 2006ec0c86, 2e0ec00c87 and 01400076000c86, and --bin; tools/pm3_online_tests.sh gives 31 and 337.
    ("H10301", 26, 0x2EC0C86, Card(118, 1603)),
    ("C1k35s", 35, 0x60EC00C87, Card(118, 1603)),
    ("C1k48s", 48, 0x400076000C86, Card(118, 1603)),
    ("H10301", 26, 0b10001111100000001010100011, Card(31, 337)),
    # The same, help of `wiegand decode --raw 2006f623ae`, and doc/cheatsheet.md (`lf hid sim -r 200670012d`).
    ("H10301", 26, 0x2F623AE, Card(123, 4567)),
    ("H10301", 26, 0x270012D, Card(56, 150)),
    # AccessGrid, "Examples of every access control bit format".
    ("H10301", 26, 0b10010101000000000010001010, Card(42, 69)),
    # npm wiegand-encoder, README.
    ("H10301", 26, 0b00101101000000001010001000, Card(90, 324)),
]

# What Proxmark3 makes of a facility and a number: its Pack_… functions (client/src/wiegand_formats.c, at 0254b2a63ad4),
# compiled and run.
PACKED_BY_PROXMARK3 = [
    ("H10301", 0x0CA6A16, Card(101, 13579)),
    ("H10301", 0x1FFFFFF, Card(255, 65535)),
    ("D10202", 0x13E0002A3, Card(31, 337)),
    ("D10202", 0x0CA006A16, Card(101, 13579)),
    ("D10202", 0x0FFFFFFFF, Card(127, 16777215)),
    ("H10306", 0x2003E02A3, Card(31, 337)),
    ("H10306", 0x200020002, Card(1, 1)),
    ("H10306", 0x1FFFFFFFF, Card(65535, 65535)),
    ("C1k35s", 0x003E002A2, Card(31, 337)),
    ("C1k35s", 0x40CA06A17, Card(101, 13579)),
    ("C1k35s", 0x600200003, Card(1, 1)),
    ("C1k35s", 0x5FFFFFFFE, Card(4095, 1048575)),
    ("C15001", 0x7083E02A2, Card(31, 337)),
    ("C15001", 0xF08EC0C86, Card(118, 1603)),
    ("C15001", 0xF09FFFFFE, Card(255, 65535)),
    ("S12906", 0x0F80002A3, Card(31, 337)),
    ("S12906", 0x3B0000C86, Card(118, 1603)),
    ("S12906", 0xB2E006A16, Card(101, 3 * 2**24 + 13579)),  # issue level 3
    ("S12906", 0xFFBFFFFFF, Card(255, 1 * 2**24 + 16777215)),  # issue level 1
    ("H10302", 0x00000002A3, Card(None, 337)),
    ("H10302", 0x15BFB8386A, Card(None, 12345678901)),
    ("H10302", 0x0FFFFFFFFF, Card(None, 2**35 - 1)),
    ("H10304", 0x1001F002A3, Card(31, 337)),
    ("H10304", 0x0006506A16, Card(101, 13579)),
    ("H10304", 0x0FFFFFFFFF, Card(65535, 524287)),
    ("C1k48s", 0x00001F0002A2, Card(31, 337)),
    ("C1k48s", 0x800065006A17, Card(101, 13579)),
    ("C1k48s", 0xBFFFFFFFFFFF, Card(4194303, 8388607)),
]


@pytest.mark.parametrize(("name", "bits", "raw", "card"), PUBLISHED)
def test_cards_that_others_published_are_read_as_they_say(name: str, bits: int, raw: int, card: Card) -> None:
    assert decode(card_format(name), bits, raw) == card
    assert encode(card_format(name), card.facility, card.number) == raw


@pytest.mark.parametrize(("name", "raw", "card"), PACKED_BY_PROXMARK3)
def test_a_card_has_the_bits_that_proxmark3_gives_it(name: str, raw: int, card: Card) -> None:
    layout = card_format(name)
    assert f"{encode(layout, card.facility, card.number):x}" == f"{raw:x}"
    assert decode(layout, layout.bits, raw) == card


@st.composite
def cards(draw: st.DrawFn) -> tuple[CardFormat, Card]:
    layout = draw(FORMATS)
    facility = None if layout.facility is None else draw(st.integers(0, layout.facility.highest))
    return layout, Card(facility, draw(st.integers(0, layout.number.highest)))


@given(cards())
def test_what_was_encoded_is_decoded(drawn: tuple[CardFormat, Card]) -> None:
    layout, card = drawn
    raw = encode(layout, card.facility, card.number)
    assert raw < 1 << layout.bits
    assert decode(layout, layout.bits, raw) == card


@given(FORMATS, st.data())
def test_whatever_is_decoded_has_these_bits_and_no_others(layout: CardFormat, data: st.DataObject) -> None:
    raw = data.draw(st.integers(0, (1 << layout.bits) - 1))
    try:
        card = decode(layout, layout.bits, raw)
    except (WrongParity, WrongConstant):
        return
    assert encode(layout, card.facility, card.number) == raw


@given(cards())
def test_every_single_misread_bit_of_a_guarded_format_is_noticed(drawn: tuple[CardFormat, Card]) -> None:
    layout, card = drawn
    raw = encode(layout, card.facility, card.number)
    guarded = {position for parity in layout.parities for position in (parity.position, *parity.covers)}
    assert guarded == (set(range(layout.bits)) if layout.parities else set())
    for position in guarded:
        with pytest.raises(WrongParity):
            decode(layout, layout.bits, raw ^ 1 << (layout.bits - 1 - position))


@given(FORMATS, st.integers(0, 600), st.integers(0, 2**600))
def test_any_other_length_is_refused_by_name(layout: CardFormat, bits: int, raw: int) -> None:
    if bits == layout.bits and raw >> bits == 0:
        return
    with pytest.raises(WrongLength, match=f"bits, where {layout.name} has {layout.bits}"):
        decode(layout, bits, raw)


def test_the_error_names_the_parity_that_is_wrong() -> None:
    layout = card_format("H10301")
    with pytest.raises(WrongParity, match=r"^the odd parity at bit 25 of H10301 is wrong$") as raised:
        decode(layout, 26, 0x2EC0C87)
    assert raised.value.positions == (25,)
    with pytest.raises(WrongParity, match="even parity at bit 0 and the odd parity at bit 25"):
        decode(layout, 26, 0x0EC0C87)


def test_a_keyscan_card_of_another_oem_is_not_taken_for_one() -> None:
    layout = card_format("C15001")
    oem = layout.constants[0].field
    raw = encode(layout, 31, 337) ^ 0b11 << (layout.bits - oem.start - oem.length)  # two bits: the parity still holds
    with pytest.raises(WrongConstant, match="OEM number 903, where C15001 has 900"):
        decode(layout, 36, raw)


@pytest.mark.parametrize(
    ("name", "facility", "number"),
    [("H10301", 256, 1), ("H10301", 0, 65536), ("H10301", -1, 1), ("H10301", None, 1), ("H10302", 1, 1)],
)
def test_a_card_that_the_format_has_no_room_for_is_refused(name: str, facility: int | None, number: int) -> None:
    with pytest.raises(OutOfRange, match=name):
        encode(card_format(name), facility, number)


def test_a_format_is_found_whatever_its_case_and_an_unknown_one_is_named() -> None:
    assert card_format("h10301") is CARD_FORMATS["H10301"]
    with pytest.raises(UnknownCardFormat, match=r"no card format 'W26'; there are H10301, .*C1k48s"):
        card_format("W26")


def test_formats_of_one_length_may_read_the_same_bits_differently() -> None:
    raw = encode(card_format("H10304"), 31, 337)
    assert decode(card_format("H10302"), 37, raw) == Card(None, 31 * 2**19 + 337)


@given(cards())
def test_a_cards_value_is_in_its_normal_form(drawn: tuple[CardFormat, Card]) -> None:
    _, card = drawn
    for facility in ("kept", "ignored"):
        value = card.value(facility)
        assert normal_value("card", value) == (None if card.number == 0 else value)


def test_the_facility_is_kept_or_ignored_as_the_reader_is_configured() -> None:
    assert Card(12, 345).value() == "12:345"
    assert Card(12, 345).value("ignored") == "345"
    assert Card(None, 345).value("kept") == "345"


@given(st.none() | st.integers(0, 600), st.none() | st.integers(0, 2**600))
def test_no_credential_can_have_the_value_of_a_card_that_could_not_be_read(bits: int | None, raw: int | None) -> None:
    assert normal_value("card", unreadable_value(bits, raw)) is None


def test_a_card_that_could_not_be_read_says_what_was_read() -> None:
    assert unreadable_value(26, 0x2EC0C87) == "unreadable-26-2ec0c87"


# The page.

HEAD = """# Card formats

How the bits of a card make a facility and a number. A reader is told its format in the controller's configuration
([OSDP readers](../howto/osdp-readers.md)); it is never guessed, for formats share lengths. A card whose length, parity
or constant part is not as its format says admits nobody, and is recorded with the bits that were read.

A card is known by facility and number, `12:345`, or, where the reader has `facility = "ignored"`, by its number alone,
`345`. Formats without a facility give the number alone.

In the drawings the bit that is transmitted first is on the left. `F` is a bit of the facility, `N` of the number, `K`
of a constant part, `P` a parity bit. Below them is what each parity covers: `X`; `E` makes the ones even, `O` odd.

This page is made of the table in the program.
"""


def drawing(layout: CardFormat) -> list[str]:
    """The layout as lines of one letter a bit."""
    letters = ["?"] * layout.bits
    marks = [("N", layout.number)] + [("K", constant.field) for constant in layout.constants]
    if layout.facility is not None:
        marks.append(("F", layout.facility))
    for letter, field in marks:
        for position in field.positions:
            letters[position] = letter
    lines = []
    for parity in layout.parities:
        letters[parity.position] = "P"
        line = ["."] * layout.bits
        for position in parity.covers:
            line[position] = "X"
        line[parity.position] = "E" if parity.kind == "even" else "O"
        lines.append("".join(line))
    return ["".join(letters), *lines]


def card_formats_page() -> str:
    """The whole page."""
    parts = [HEAD, "| format | bits | facility | number | |", "| --- | --- | --- | --- | --- |"]
    for layout in CARD_FORMATS.values():
        facility = "none" if layout.facility is None else f"0 to {layout.facility.highest}"
        parts.append(
            f"| `{layout.name}` | {layout.bits} | {facility} | 1 to {layout.number.highest} | {layout.title} |"
        )
    for layout in CARD_FORMATS.values():
        parts.extend(["", f"## {layout.name}", "", f"{layout.title}.", "", "```text", *drawing(layout), "```"])
        if layout.remark:
            parts.extend(["", layout.remark])
        parts.extend(["", f"Sources: {'; '.join(layout.sources)}."])
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("layout", CARD_FORMATS.values(), ids=CARD_FORMATS)
def test_every_bit_of_a_format_has_one_meaning(layout: CardFormat) -> None:
    positions = [position for parity in layout.parities for position in [parity.position]]
    positions += [position for constant in layout.constants for position in constant.field.positions]
    positions += [*layout.number.positions, *(layout.facility.positions if layout.facility else ())]
    assert sorted(positions) == list(range(layout.bits))
    assert "?" not in drawing(layout)[0]


def test_the_reference_shows_the_table() -> None:
    if os.environ.get("DOORWARD_WRITE_PAGES"):
        PAGE.write_text(card_formats_page())
    assert PAGE.read_text() == card_formats_page()
