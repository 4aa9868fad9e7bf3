"""Cards and keys as readers report them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.decision.card_formats import CARD_FORMATS, encode
from doorward.decision.snapshot import Credential
from doorward.decision.values import normal_value
from doorward.drivers.osdp.config import Reader
from doorward.drivers.osdp.reading import CardBits, bits_of, keys_of, presented

READER = Reader(1, 1, CARD_FORMATS["H10301"])


@pytest.mark.parametrize(
    ("length", "data", "card"),
    [
        (26, bytes.fromhex("bb032180"), CardBits(26, 0x2EC0C86)),
        (32, bytes.fromhex("deadbeef"), CardBits(32, 0xDEADBEEF)),
        (1, b"\x80", CardBits(1, 1)),
        (26, b"\xbb\x03", CardBits(None, None)),
        (0, b"\xbb", CardBits(None, None)),
        (-3, b"\xbb", CardBits(None, None)),
        (None, b"12345", CardBits(None, None)),
    ],
)
def test_the_first_bit_is_on_the_left_and_what_is_beyond_the_last_is_filling(
    length: int | None, data: bytes, card: CardBits
) -> None:
    assert bits_of(length, data) == card


@given(st.integers(1, 512), st.data())
def test_filling_does_not_change_a_card(length: int, data: st.DataObject) -> None:
    raw = data.draw(st.integers(0, (1 << length) - 1))
    filling = data.draw(st.integers(0, (1 << (-length % 8)) - 1))
    sent = (raw << (-length % 8) | filling).to_bytes((length + 7) // 8)
    assert bits_of(length, sent) == (length, raw)


def test_a_card_is_presented_by_facility_and_number_or_by_its_number_alone() -> None:
    card = CardBits(26, encode(READER.card_format, 12, 345))
    assert presented(READER, card).first == Credential("card", "12:345")
    ignoring = Reader(1, 1, CARD_FORMATS["H10301"], "ignored")
    assert presented(ignoring, card).first == Credential("card", "345")


@given(st.builds(CardBits, st.none() | st.integers(0, 600), st.none() | st.integers(0, 2**600)))
def test_whatever_is_read_is_presented_and_what_is_not_of_the_format_is_nobodys(card: CardBits) -> None:
    credential = presented(READER, card).first
    assert credential.kind == "card"
    if card.bits != 26:
        assert credential.value.startswith("unreadable")
        assert normal_value("card", credential.value) is None


def test_a_misread_card_is_nobodys_and_says_what_was_read() -> None:
    assert presented(READER, CardBits(26, 0x2EC0C87)).first.value == "unreadable-26-2ec0c87"


@pytest.mark.parametrize(
    ("data", "keys"),
    [(b"1234\x0d", "1234#"), (b"\x7f12", "*12"), (b"*5#", "*5#"), (b"\x00A\xff7", "7"), (b"", "")],
)
def test_keys_are_digits_star_and_hash(data: bytes, keys: str) -> None:
    assert keys_of(data) == keys
